import { useStatus } from '../../api/live'
import type { Status } from '../../api/types'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { Time } from '../../parts/time'
import { Connect } from './connect'
import { LogLevelSelect } from './log-level'
import './overview.css'
import { TargetsCard } from './targets'
import { TrafficCard } from './traffic'
import { Verdict } from './verdict'

/** The first look: is everything all right, what is going on, and how to connect. */
export function OverviewPage() {
  const status = useStatus()
  if (status === null) {
    return (
      <Page title="Overview">
        <Loading>Asking the gateway how it is …</Loading>
      </Page>
    )
  }
  return (
    <Page title="Overview" lead={<Lead status={status} />} actions={<LogLevelSelect status={status} />}>
      <Verdict status={status} />
      <div className="overview-columns">
        <div className="overview-column">
          <TrafficCard traffic={status.traffic} />
          <TargetsCard status={status} />
        </div>
        <Connect routes={status.routes} />
      </div>
    </Page>
  )
}

const sources: Record<Status['config']['source'], string> = {
  file: 'a file',
  stdin: 'standard input',
  inline: 'the command line',
  default: 'nothing: it serves its own examples',
}

function Lead({ status }: { status: Status }) {
  const { path, source } = status.config
  return (
    <>
      Started <Time at={status.startedAt} />, configured by{' '}
      {path === null ? sources[source] : <span className="mono breakable">{path}</span>}
    </>
  )
}
