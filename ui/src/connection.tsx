import { useConnection, useLostAt, useStatus, type Connection } from './api/live'
import './connection.css'
import { ToneMark, type Tone } from './parts/badge'
import { Icon } from './parts/icon'
import { Time } from './parts/time'

const says: Record<Connection, { tone: Tone; word: string }> = {
  connecting: { tone: 'quiet', word: 'Connecting' },
  live: { tone: 'ok', word: 'Live' },
  lost: { tone: 'bad', word: 'Connection lost' },
}

/** Whether what is shown is how things are now. */
export function ConnectionMark() {
  const { tone, word } = says[useConnection()]
  return (
    <span className="connection">
      <ToneMark tone={tone} />
      {word}
    </span>
  )
}

/** Above every page while the connection is lost: what is shown stays, but it is old. */
export function ConnectionStrip() {
  const lostAt = useLostAt()
  const known = useStatus() !== null
  return (
    <div role="status">
      {lostAt !== null && (
        <div className="connection-strip">
          <Icon name="error" />
          <p>
            <strong>The gateway does not answer.</strong> {known && <Since at={lostAt} />}
            Check that it runs; this page connects again by itself.
          </p>
        </div>
      )}
    </div>
  )
}

function Since({ at }: { at: string }) {
  return (
    <>
      What you see is how it was{' '}
      <span aria-live="off">
        <Time at={at} />
      </span>
      .{' '}
    </>
  )
}
