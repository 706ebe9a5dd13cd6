import { useStatus } from '../../api/live'
import { Card } from '../../parts/card'
import { Empty } from '../../parts/empty'
import { counted } from '../../parts/format'
import { Link } from '../../parts/link'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { ListenerCard } from './listener'
import './listeners.css'
import { RouteMap } from './route-map'

/** Where clients come in, and where they get from there. */
export function ListenersPage() {
  const status = useStatus()
  if (status === null) {
    return (
      <Page title="Listeners">
        <Loading />
      </Page>
    )
  }
  const { listeners, routes } = status
  return (
    <Page title="Listeners" lead={`${counted(listeners.length, 'listener')} with ${counted(routes.length, 'route')}`}>
      {listeners.length === 0 ? (
        <Empty title="There is no listener" action={<Link to="configuration">Open the configuration</Link>}>
          A listener is a port with routes to backends. Without one no client can connect.
        </Empty>
      ) : (
        <Card title="From listener to target" className="listeners-map">
          <RouteMap status={status} />
        </Card>
      )}
      {listeners.map((listener) => (
        <ListenerCard key={listener.key} listener={listener} status={status} />
      ))}
    </Page>
  )
}
