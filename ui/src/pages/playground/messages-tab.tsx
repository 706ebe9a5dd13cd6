import { useMemo, useState } from 'react'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { CopyButton } from '../../parts/copy-button'
import { Empty } from '../../parts/empty'
import { bytes, counted } from '../../parts/format'
import { Icon } from '../../parts/icon'
import { SearchInput, Select } from '../../parts/inputs'
import { matches } from './grouping'
import { asLines, headingOf, kindOf, type MessageKind } from './message-words'
import './messages.css'
import { RawMessage } from './result/raw-exchange'
import { useStore } from './store'
import { KEPT, type LogRow, type WireLog } from './wire-log'

/** Everything that goes over the wire, newest first. */
export function MessagesTab({ log }: { log: WireLog }) {
  const { rows, forgotten } = useStore(log)
  const [search, setSearch] = useState('')
  const [kind, setKind] = useState<MessageKind | 'all'>('all')
  const shown = useMemo(
    () => rows.filter((row) => (kind === 'all' || kindOf(row) === kind) && matches(search, [headingOf(row), row.text])),
    [rows, kind, search],
  )
  const lines = useMemo(() => asLines(shown), [shown])
  if (rows.length === 0) return <Empty title="No messages yet">What goes over the wire is kept here, from the handshake on.</Empty>
  return (
    <Card
      title="Messages"
      className="messages"
      actions={
        <>
          <CopyButton text={lines} label="Copy" />
          <Button size="small" icon="trash" onClick={() => log.clear()}>
            Clear
          </Button>
        </>
      }
    >
      <div className="messages-filter">
        <SearchInput aria-label="Search messages" value={search} onChange={(event) => setSearch(event.target.value)} />
        <Select aria-label="Kind of message" value={kind} onChange={({ target }) => setKind(target.value as MessageKind | 'all')}>
          <option value="all">All messages</option>
          <option value="request">Requests</option>
          <option value="response">Responses</option>
          <option value="notification">Notifications</option>
        </Select>
      </div>
      <ol className="messages-list">
        {shown.map((row) => (
          <MessageRow key={row.id} row={row} />
        ))}
      </ol>
      <p className="quiet">
        {shown.length === 0 ? 'None of them matches. ' : ''}
        {counted(shown.length, 'message')} of {rows.length}
        {forgotten > 0 && `; the oldest ${forgotten} are forgotten, since at most ${KEPT} are kept`}
      </p>
    </Card>
  )
}

function MessageRow({ row }: { row: LogRow }) {
  const [open, setOpen] = useState(false)
  const sent = row.direction === 'sent'
  const failed = row.message !== null && 'error' in row.message
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="message">
          <span className={`message-way ${sent ? 'message-sent' : ''}`}>
            <Icon name={sent ? 'arrow' : 'left'} />
            {sent ? 'sent' : 'received'}
          </span>
          <span className={`message-heading mono ${failed ? 'message-failed' : ''}`}>{headingOf(row)}</span>
          <span className="quiet mono message-facts">
            #{row.exchange.id} · {bytes(row.text.length)} · {new Date(row.at).toLocaleTimeString('en-GB')}
          </span>
        </summary>
        {open && <RawMessage message={row} />}
      </details>
    </li>
  )
}
