import type { ToolAnnotations } from '../../mcp/types'
import { Badge } from '../../parts/badge'
import { Icon } from '../../parts/icon'

/** What a server says of its tool, in the words of a person who is about to run it. */
export function ToolMarks({ annotations: { readOnly, destructive, idempotent, openWorld } }: { annotations: ToolAnnotations }) {
  return (
    <>
      {readOnly === true && <Badge tone="quiet">read-only</Badge>}
      {readOnly !== true && destructive === true && <Badge tone="warn">destructive</Badge>}
      {readOnly !== true && destructive === false && <Badge tone="quiet">only adds</Badge>}
      {readOnly !== true && idempotent === true && <Badge tone="quiet">safe to repeat</Badge>}
      {openWorld === true && <Badge tone="quiet">reaches the outside</Badge>}
    </>
  )
}

/** The same where there is no room for words: only what makes one careful, or careless. */
export function ToolSign({ annotations: { readOnly, destructive } }: { annotations: ToolAnnotations }) {
  const sign = readOnly === true ? 'read-only' : destructive === true ? 'destructive' : null
  if (sign === null) return null
  return (
    <span className={`tool-sign tool-sign-${sign}`} title={sign}>
      <Icon name={sign === 'read-only' ? 'eye' : 'warning'} />
      <span className="visually-hidden">{sign}</span>
    </span>
  )
}
