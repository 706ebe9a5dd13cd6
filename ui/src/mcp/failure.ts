/**
 * Why there is no result. The classes keep apart what a person does something different about: nothing answered, HTTP said no,
 * the protocol said no, or the answer made no sense.
 */

/** The fetch failed: nobody is there, or the browser keeps this page from asking. Browsers do not say which. */
export class Unreachable extends Error {
  readonly kind = 'unreachable'

  constructor(url: string, cause: unknown) {
    super(`No answer from ${url}`, { cause })
  }
}

/** An answer that is an HTTP error and no JSON-RPC error. */
export class HttpFailure extends Error {
  readonly kind = 'http'
  readonly status: number
  readonly body: string

  constructor(status: number, body: string) {
    const words = body.replace(/\s+/g, ' ').trim().slice(0, 300)
    super(words ? `HTTP ${status}: ${words}` : `HTTP ${status}`)
    this.status = status
    this.body = body
  }
}

/** A JSON-RPC error, whatever the HTTP status was. */
export class RpcFailure extends Error {
  readonly kind = 'rpc'
  readonly code: number
  readonly data: unknown
  readonly status: number

  constructor(error: { code: number; message: string; data?: unknown }, status: number) {
    super(error.message)
    this.code = error.code
    this.data = error.data
    this.status = status
  }
}

/** An answer that breaks the protocol. */
export class BadAnswer extends Error {
  readonly kind = 'answer'
  readonly body: string

  constructor(message: string, body = '') {
    super(message)
    this.body = body
  }
}

/** The server does not know the session any more. */
export class SessionEnded extends Error {
  readonly kind = 'session'

  constructor() {
    super('The gateway does not know this session any more.')
  }
}

/** The server asked for something, the person said no, and this era has no way to tell the server so. */
export class Refused extends Error {
  readonly kind = 'refused'

  constructor(message = 'The request was refused here.') {
    super(message)
  }
}

/** Nobody waits for the result any more. */
export class Cancelled extends Error {
  readonly kind = 'cancelled'

  constructor() {
    super('Cancelled')
  }
}

export type Failure = Unreachable | HttpFailure | RpcFailure | BadAnswer | SessionEnded | Refused | Cancelled

const CLASSES = [Unreachable, HttpFailure, RpcFailure, BadAnswer, SessionEnded, Refused, Cancelled]

/** What was thrown, as one of ours. Anything else is a mistake of ours, and its words are all there is to show. */
export function failureOf(thrown: unknown): Failure {
  if (CLASSES.some((known) => thrown instanceof known)) return thrown as Failure
  return new BadAnswer(thrown instanceof Error ? thrown.message : String(thrown))
}

/** Error codes that a client acts on. */
export const codes = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  /** Of 2025-11-25 only: pages have to be visited before the call can be made. */
  urlElicitationRequired: -32042,
  /** What a client answers for a person who refuses to sample. */
  refused: -1,
} as const
