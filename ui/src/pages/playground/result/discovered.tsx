import { counted, listed } from '../../../parts/format'
import type { ConnectionView } from '../connection-store'
import { grouped } from '../grouping'
import type { TargetOf } from '../use-targets'
import { ResultPanel } from './result-panel'

/** What connecting has brought to light. */
export function DiscoveredResult({ view, targetOf }: { view: ConnectionView; targetOf: TargetOf }) {
  const { tools, prompts, resources, templates } = view.lists
  const counts = [
    counted(tools.items.length, 'tool'),
    counted(prompts.items.length, 'prompt'),
    counted(resources.items.length, 'resource'),
    counted(templates.items.length, 'resource template'),
  ]
  const groups = grouped(tools.items, ({ name }) => targetOf('tool', name))
  return (
    <ResultPanel
      about={<strong>{view.phase === 'ready' ? `Discovered ${counted(tools.items.length, 'tool')}` : 'Connecting'}</strong>}
      exchanges={view.exchanges}
      durationMs={view.phase === 'ready' ? span(view) : null}
      output="Discovered"
    >
      <div className="discovered">
        <p>The server offers {listed(counts)}.</p>
        {groups.map(({ target, items }) => (
          <section key={target}>
            <h3>
              {target ?? 'Other'} <span className="quiet">{items.length}</span>
            </h3>
            <ul>
              {items.map(({ name }) => (
                <li key={name} className="mono breakable">
                  {name}
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </ResultPanel>
  )
}

/** From the first request to the last answer. The stream of changes stays open and does not count. */
function span({ exchanges }: ConnectionView): number {
  const ends = exchanges.flatMap(({ startedAt, durationMs, verb }) =>
    durationMs === null || verb === 'GET' ? [] : [startedAt + durationMs],
  )
  return Math.max(0, Math.max(...ends) - (exchanges[0]?.startedAt ?? 0))
}
