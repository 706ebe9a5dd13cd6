import type { Listed } from '../../mcp/client'
import type { Failure } from '../../mcp/failure'
import { Banner } from '../../parts/banner'
import { Link } from '../../parts/link'

/** What a list lacks, and why. */
export function MissingNote({ lists, failures }: { lists: Listed<unknown>[]; failures: (Failure | undefined)[] }) {
  const missing = new Map(lists.flatMap((list) => list.missing).map(({ name, reason }) => [name, reason]))
  const failed = failures.filter((failure) => failure !== undefined)
  if (missing.size === 0 && failed.length === 0) return null
  return (
    <Banner tone="warn" title="The list is not complete">
      <ul>
        {[...missing].map(([name, reason]) => (
          <li key={name}>
            <span className="mono">{name}</span>: {reason}
          </li>
        ))}
        {failed.map((failure) => (
          <li key={failure.message}>It could not be read: {failure.message}</li>
        ))}
      </ul>
      {missing.size > 0 && <Link to="backends">See the backends</Link>}
    </Banner>
  )
}
