import { BadAnswer } from './failure'
import { isObject, type JsonObject } from './json'

export type Id = string | number

export interface Request {
  jsonrpc: '2.0'
  id: Id
  method: string
  params?: JsonObject
}

export interface Notification {
  jsonrpc: '2.0'
  method: string
  params?: JsonObject
}

export interface ErrorBody {
  code: number
  message: string
  data?: unknown
}

export interface Response {
  jsonrpc: '2.0'
  /** Absent or null if the other side could not read the request's. */
  id?: Id | null
  result?: JsonObject
  error?: ErrorBody
}

export type Message = Request | Notification | Response

export function isRequest(message: Message): message is Request {
  return 'method' in message && 'id' in message
}

export function isNotification(message: Message): message is Notification {
  return 'method' in message && !('id' in message)
}

export function isResponse(message: Message): message is Response {
  return !('method' in message)
}

/** The messages of a body: one, or several in an array, which only 2025-03-26 has. */
export function parseMessages(text: string): Message[] {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new BadAnswer('What came back is not JSON.', text)
  }
  const messages = Array.isArray(body) ? body : [body]
  if (!messages.every(isMessage)) throw new BadAnswer('What came back is not a JSON-RPC message.', text)
  return messages
}

function isMessage(value: unknown): value is Message {
  if (!isObject(value)) return false
  if (typeof value.method === 'string') return value.params === undefined || isObject(value.params)
  return 'method' in value ? false : isObject(value.result) || isError(value.error)
}

function isError(value: unknown): value is ErrorBody {
  return isObject(value) && typeof value.code === 'number' && typeof value.message === 'string'
}
