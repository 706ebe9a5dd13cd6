import { Code } from '../../parts/code'
import { Link } from '../../parts/link'
import { prettyJson } from '../../mcp/json'

interface BodyProps {
  title: string
  /** What is in it, for those who do not see where it stands. */
  label: string
  /** Null if it was not kept. */
  text: string | null
  cut: boolean
}

/** What was sent or received, set out over lines if it is still JSON. */
export function Body({ title, label, text, cut }: BodyProps) {
  return (
    <div className="call-body">
      <h3>{title}</h3>
      {text === null ? (
        <p className="quiet">
          Not kept. With <code>config.activity.bodies</code> in the <Link to="configuration">configuration</Link> set to a size, like{' '}
          <code>16KiB</code>, later calls have it.
        </p>
      ) : (
        <>
          {cut && (
            <p className="call-cut">
              Cut: only the beginning was kept. A larger <code>config.activity.bodies</code> keeps more.
            </p>
          )}
          <Code text={cut ? text : (prettyJson(text) ?? text)} language="json" wrap copy label={label} />
        </>
      )}
    </div>
  )
}
