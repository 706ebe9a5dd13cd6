import { useMemo } from 'react'
import type { Exchange, WireMessage } from '../../../mcp/exchange'
import { prettyJson } from '../../../mcp/json'
import { isNotification, isResponse } from '../../../mcp/message'
import { Code } from '../../../parts/code'
import { counted, duration } from '../../../parts/format'

/** What went over the wire for a request: with questions in between, several exchanges. */
export function RawExchanges({ exchanges }: { exchanges: Exchange[] }) {
  if (exchanges.length === 0) return <p className="quiet">Nothing was sent yet.</p>
  return (
    <div className="raw">
      {exchanges.map((exchange) => (
        <RawExchange key={exchange.id} exchange={exchange} />
      ))}
    </div>
  )
}

function RawExchange({ exchange }: { exchange: Exchange }) {
  const { verb, method, status, durationMs, failure, messages } = exchange
  const isNote = ({ message }: WireMessage) => message !== null && isNotification(message)
  const notifications = messages.filter(isNote)
  const before = messages.filter((message) => !isNote(message) && message.direction === 'sent')
  const after = messages.filter((message) => !isNote(message) && message.direction === 'received')
  const outcome = [status === null ? null : `HTTP ${status}`, durationMs === null ? 'open' : duration(durationMs), failure]
  return (
    <section className="raw-exchange">
      <h3>
        <span className="mono">
          {verb} {method}
        </span>
        <span className="quiet">{outcome.filter((word) => word !== null).join(' · ')}</span>
      </h3>
      {before.map((message, index) => (
        <RawMessage key={index} message={message} />
      ))}
      {notifications.length > 0 && (
        <details className="raw-notifications">
          <summary>{counted(notifications.length, 'notification')}</summary>
          {notifications.map((message, index) => (
            <RawMessage key={index} message={message} />
          ))}
        </details>
      )}
      {after.map((message, index) => (
        <RawMessage key={index} message={message} />
      ))}
    </section>
  )
}

export function RawMessage({ message }: { message: WireMessage }) {
  const text = useMemo(() => prettyJson(message.text) ?? message.text, [message.text])
  const name = messageName(message)
  return (
    <div>
      <p className="raw-name">{name}</p>
      <Code text={text} language="json" wrap copy label={name} />
    </div>
  )
}

function messageName({ direction, message }: WireMessage): string {
  if (message === null) return 'What came back'
  if (isNotification(message)) return 'Notification'
  if (isResponse(message)) return direction === 'sent' ? 'Our answer' : 'Response'
  return direction === 'sent' ? 'Request' : 'Request of the server'
}
