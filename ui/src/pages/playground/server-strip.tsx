import { useId, useState } from 'react'
import { failureOf } from '../../mcp/failure'
import type { Client } from '../../mcp/client'
import { Button } from '../../parts/button'
import { Code } from '../../parts/code'
import { duration } from '../../parts/format'
import { Markdown } from './markdown/markdown'
import './server-strip.css'

/** Who answers at the other end. `again` is the label of what connects anew. */
export function ServerStrip({ client, again, onAgain }: { client: Client; again: string; onAgain: () => void }) {
  const { name, title, version, protocolVersion, session, instructions, raw } = client.server
  const [open, setOpen] = useState(false)
  const id = useId()
  return (
    <section className="server-strip" aria-label="Server">
      <div className="server-strip-facts">
        <strong>{title ?? name ?? 'A server without a name'}</strong>
        {version !== null && <span className="mono quiet">{version}</span>}
        <span>
          <span className="quiet">Protocol</span> <span className="mono">{protocolVersion}</span>
        </span>
        {session !== null && (
          <span>
            <span className="quiet">Session</span>{' '}
            <span className="mono" title={session}>
              {session.slice(0, 8)}…
            </span>
          </span>
        )}
        <span className="server-strip-actions">
          <Ping client={client} />
          <Button
            size="small"
            variant="quiet"
            icon={open ? 'up' : 'down'}
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            What it says of itself
          </Button>
          <Button size="small" icon="restart" title="Connect anew and list everything again" onClick={onAgain}>
            {again}
          </Button>
        </span>
      </div>
      {open && (
        <div className="server-strip-more" id={id}>
          {instructions !== null && <Markdown text={instructions} />}
          <Code text={JSON.stringify(raw, null, 2)} language="json" wrap copy label="What the server says of itself" />
        </div>
      )}
    </section>
  )
}

function Ping({ client }: { client: Client }) {
  const [outcome, setOutcome] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const ping = async () => {
    setBusy(true)
    const since = performance.now()
    try {
      await client.ping()
      setOutcome(`answered in ${duration(performance.now() - since)}`)
    } catch (thrown) {
      setOutcome(failureOf(thrown).message)
    }
    setBusy(false)
  }
  return (
    <>
      <span className="quiet" role="status">
        {outcome}
      </span>
      <Button size="small" busy={busy} onClick={ping}>
        Ping
      </Button>
    </>
  )
}
