import { isNotification, isRequest, isResponse } from '../../mcp/message'
import type { LogRow } from './wire-log'

/** What a message is, in one line. */
export function headingOf({ message, exchange, direction }: LogRow): string {
  if (message === null) return 'not JSON-RPC'
  if (!isResponse(message)) return message.method
  if (direction === 'sent') return message.error ? 'our refusal' : 'our answer'
  const about = exchange.method !== null && exchange.verb === 'POST' ? ` to ${exchange.method}` : ''
  return message.error ? `error ${message.error.code}${about}` : `result${about}`
}

export type MessageKind = 'request' | 'response' | 'notification'

export function kindOf({ message }: LogRow): MessageKind | null {
  if (message === null) return null
  if (isRequest(message)) return 'request'
  return isNotification(message) ? 'notification' : 'response'
}

/** All of it as lines of JSON, oldest first: what other tools can read. */
export function asLines(rows: LogRow[]): string {
  return rows.map(lineOf).toReversed().join('\n')
}

function lineOf({ at, direction, text, message }: LogRow): string {
  // JSON has line breaks only between its tokens, and those may go. The rest stays as it was spelled.
  const spelled = message === null ? JSON.stringify(text) : text.replace(/[\r\n]+/g, '')
  return `{"at":"${new Date(at).toISOString()}","direction":"${direction}","message":${spelled}}`
}
