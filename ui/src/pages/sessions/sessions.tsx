import { useState } from 'react'
import { endSession, textOf } from '../../api/client'
import { useSessions, useStatus } from '../../api/live'
import { clientName } from '../../api/names'
import type { Session } from '../../api/types'
import { Button } from '../../parts/button'
import { Dialog } from '../../parts/dialog'
import { Empty } from '../../parts/empty'
import { counted } from '../../parts/format'
import { Link } from '../../parts/link'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { useToasts } from '../../parts/toasts'
import './sessions.css'
import { SessionTable } from './table'

/** Who is connected. Only legacy clients have sessions; each request of a modern one stands for itself. */
export function SessionsPage() {
  const sessions = useSessions()
  const status = useStatus()
  const [ending, setEnding] = useState<Session | null>(null)
  if (sessions === null || status === null) {
    return (
      <Page title="Sessions">
        <Loading />
      </Page>
    )
  }
  return (
    <Page title="Sessions" lead={lead(sessions)}>
      {sessions.length === 0 ? (
        <Empty title="No client has a session" action={<Link to="">How to connect a client</Link>}>
          A client of 2025-11-25 or before gets a session when it connects. Later ones have none: their calls are in{' '}
          <Link to="activity">Activity</Link>.
        </Empty>
      ) : (
        <SessionTable sessions={sessions} backends={status.backends} onEnd={setEnding} />
      )}
      {ending !== null && <EndDialog session={ending} onClose={() => setEnding(null)} />}
    </Page>
  )
}

function lead(sessions: Session[]): string {
  const used = sessions.filter(({ idleSince }) => idleSince === null).length
  return `${counted(sessions.length, 'session')}, ${used} in use. Clients of 2026-07-28 have none; their calls are in Activity.`
}

function EndDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const [busy, setBusy] = useState(false)
  const toasts = useToasts()
  const name = clientName(session.client)
  const end = async () => {
    setBusy(true)
    try {
      await endSession(session.id)
      toasts.show({ tone: 'ok', text: `The session of ${name} has ended.` })
    } catch (error) {
      toasts.show({ tone: 'bad', text: `The session of ${name} was not ended. ${textOf(error)}` })
    }
    onClose()
  }
  return (
    <Dialog
      open
      title={`End the session of ${name}?`}
      onClose={onClose}
      actions={
        <>
          <Button variant="quiet" onClick={onClose}>
            Keep it
          </Button>
          <Button variant="danger" busy={busy} onClick={end}>
            End session
          </Button>
        </>
      }
    >
      <p>
        {session.running === 0
          ? 'No call of it is running.'
          : `${counted(session.running, 'call')} of it ${session.running === 1 ? 'is' : 'are'} running and will be cut.`}{' '}
        The client is told with its next request that the session is gone; most then connect again by themselves.
      </p>
    </Dialog>
  )
}
