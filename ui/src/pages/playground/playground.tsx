import { useStatus } from '../../api/live'
import { Empty } from '../../parts/empty'
import { Link } from '../../parts/link'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { Workbench } from './workbench'

export default function PlaygroundPage() {
  const status = useStatus()
  return (
    <Page title="Tool Playground" lead="Call tools, prompts and resources through the gateway, as a client does.">
      {status === null ? (
        <Loading />
      ) : status.routes.length === 0 ? (
        <Empty title="There is no route to call" action={<Link to="configuration">Go to the configuration</Link>}>
          A route leads from a port to MCP servers. The configuration has none yet.
        </Empty>
      ) : (
        <Workbench routes={status.routes} />
      )}
    </Page>
  )
}
