import { targetPlace, targetsOf } from '../../api/names'
import type { Status } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Card } from '../../parts/card'
import { compact, counted, duration } from '../../parts/format'
import { Link } from '../../parts/link'
import { conditionOf } from '../../parts/tone'
import './targets.css'

/** Every target in one line. */
export function TargetsCard({ status }: { status: Status }) {
  const targets = targetsOf(status)
  if (targets.length === 0) return null
  return (
    <Card title={counted(targets.length, 'target')} actions={<Link to="backends">Backends</Link>} className="targets">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Era</th>
            <th scope="col" className="targets-number">
              Items
            </th>
            <th scope="col" className="targets-number">
              Calls
            </th>
            <th scope="col" className="targets-number">
              Median
            </th>
          </tr>
        </thead>
        <tbody>
          {targets.map(({ backend, target }) => {
            const { tone, word } = conditionOf(target)
            const { tools, prompts, resources, resourceTemplates } = target.counts
            return (
              <tr key={`${backend.key} ${target.name}`}>
                <th scope="row">
                  <Link plain className="mono" to={targetPlace(backend, target)}>
                    {target.name}
                  </Link>
                </th>
                <td>
                  <Badge tone={tone}>{word}</Badge>
                </td>
                <td>{target.peer?.era ?? '–'}</td>
                <td className="targets-number">{tools + prompts + resources + resourceTemplates}</td>
                <td className="targets-number">{compact(target.calls.total)}</td>
                <td className="targets-number">{target.calls.p50Ms === null ? '–' : duration(target.calls.p50Ms)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </Card>
  )
}
