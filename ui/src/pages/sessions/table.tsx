import { backendLabel, clientName } from '../../api/names'
import type { Backend, Session } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Button } from '../../parts/button'
import { useNow } from '../../parts/clock'
import { counted, number, span } from '../../parts/format'
import { Time } from '../../parts/time'

interface SessionTableProps {
  sessions: Session[]
  backends: Backend[]
  onEnd: (session: Session) => void
}

export function SessionTable({ sessions, backends, onEnd }: SessionTableProps) {
  return (
    <div className="sessions-frame">
      <table className="sessions">
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">Era</th>
            <th scope="col">Backend</th>
            <th scope="col">Started</th>
            <th scope="col">Use</th>
            <th scope="col">Calls</th>
            <th scope="col">Own links to</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <th scope="row">
                {clientName(session.client)}
                <span className="sessions-aside mono breakable">
                  {session.client === null
                    ? 'has not introduced itself yet'
                    : [session.client.title && session.client.name, session.client.version].filter(Boolean).join(' ')}
                </span>
              </th>
              <td data-label="Era">
                {session.era}
                <span className="sessions-aside">
                  <span className="mono">{session.protocolVersion ?? 'no handshake yet'}</span>
                  {session.transport === 'sse' && ', HTTP+SSE'}
                </span>
              </td>
              <td data-label="Backend">{backendLabel(session.backend, backends)}</td>
              <td data-label="Started">
                <Time at={session.startedAt} />
              </td>
              <td data-label="Use">
                <Use session={session} />
              </td>
              <td data-label="Calls">
                {number(session.calls)}
                {session.running > 0 && <span className="sessions-aside">{counted(session.running, 'running', 'running')}</span>}
              </td>
              <td data-label="Own links to">
                {session.links.length === 0 ? (
                  <span className="quiet">none</span>
                ) : (
                  <span className="mono">{session.links.join(', ')}</span>
                )}
              </td>
              <td>
                <Button
                  size="small"
                  variant="danger"
                  onClick={() => onEnd(session)}
                  aria-label={`End the session of ${clientName(session.client)}`}
                >
                  End
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Use({ session: { idleSince } }: { session: Session }) {
  return idleSince === null ? <Badge tone="ok">In use</Badge> : <Idle since={Date.parse(idleSince)} />
}

function Idle({ since }: { since: number }) {
  return <>idle for {span(Math.max(0, (useNow() - since) / 1000))}</>
}
