import { type ExchangeObserver, Recorder } from './exchange'
import { BadAnswer, Cancelled, HttpFailure, RpcFailure, Unreachable } from './failure'
import { isResponse, type Message, type Notification, parseMessages, type Request, type Response as Reply } from './message'
import { sseEvents } from './sse'

export interface WireSettings {
  url: string
  /** Kept in memory only, and sent with every request. */
  token?: string | undefined
  /** For tests. */
  fetch?: typeof fetch | undefined
  observer: ExchangeObserver
}

export interface Outgoing {
  verb: 'POST' | 'GET' | 'DELETE'
  message?: Request | Notification | Reply
  headers: Record<string, string>
  signal?: AbortSignal | undefined
  /** Goes on when the page is gone. */
  keepalive?: boolean
  observer?: ExchangeObserver | undefined
}

/** An answer with a good status, of which the head is there. */
export interface Incoming {
  status: number
  session: string | null
  received: AsyncGenerator<Received>
}

export interface Received {
  /** Null for an event that only says where the stream can be taken up again. */
  message: Message | null
  eventId: string | null
  retryMs: number | null
}

/** Sends messages to one endpoint and reads what comes back, whatever the era. */
export class Wire {
  readonly url: string
  private readonly settings: WireSettings

  constructor(settings: WireSettings) {
    this.url = settings.url
    this.settings = settings
  }

  async send(outgoing: Outgoing): Promise<Incoming> {
    const { verb, message, headers, signal } = outgoing
    const recorder = this.recorder(outgoing)
    const body = message && JSON.stringify(message)
    if (message && body) recorder.message('sent', body, message)
    let response: Response
    try {
      signal?.throwIfAborted()
      response = await (this.settings.fetch ?? fetch)(this.url, {
        method: verb,
        headers: { ...this.common(verb), ...headers },
        body: body ?? null,
        signal: signal ?? null,
        keepalive: outgoing.keepalive ?? false,
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
      })
    } catch (cause) {
      const failure = signal?.aborted ? new Cancelled() : new Unreachable(this.url, cause)
      recorder.end(failure.message)
      throw failure
    }
    const session = response.headers.get('mcp-session-id')
    recorder.head(response.status, session)
    if (!response.ok) throw await refusal(response, recorder)
    return { status: response.status, session, received: read(response, { recorder, signal, url: this.url }) }
  }

  private common(verb: Outgoing['verb']): Record<string, string> {
    const { token } = this.settings
    return {
      Accept: verb === 'POST' ? 'application/json, text/event-stream' : 'text/event-stream',
      ...(verb === 'POST' ? { 'Content-Type': 'application/json' } : {}),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    }
  }

  private recorder({ verb, message, headers, observer }: Outgoing): Recorder {
    const about = {
      verb,
      url: this.url,
      method: message && 'method' in message ? message.method : null,
      session: headers['Mcp-Session-Id'] ?? null,
      protocolVersion: headers['MCP-Protocol-Version'] ?? null,
    }
    return new Recorder(about, observer ? [observer, this.settings.observer] : [this.settings.observer])
  }
}

async function refusal(response: Response, recorder: Recorder): Promise<RpcFailure | HttpFailure> {
  const text = await response.text().catch(() => '')
  let failure: RpcFailure | HttpFailure = new HttpFailure(response.status, text)
  let message: Message | null = null
  try {
    message = parseMessages(text)[0] ?? null
    if (message && isResponse(message) && message.error) failure = new RpcFailure(message.error, response.status)
  } catch {
    // An answer that is no message is an HTTP error and nothing more.
  }
  if (text) recorder.message('received', text, message)
  recorder.end()
  return failure
}

interface Reading {
  recorder: Recorder
  signal: AbortSignal | undefined
  url: string
}

async function* read(response: Response, { recorder, signal, url }: Reading): AsyncGenerator<Received> {
  let failure: string | null = null
  try {
    for await (const { text, eventId, retryMs } of pieces(response)) {
      if (text === '') {
        yield { message: null, eventId, retryMs }
        continue
      }
      for (const message of messagesOf(text, recorder)) {
        // Whoever waits for the answer is not to find the exchange still open.
        if (isResponse(message)) recorder.end()
        yield { message, eventId, retryMs }
      }
    }
  } catch (thrown) {
    const known = thrown instanceof BadAnswer ? thrown : new Unreachable(url, thrown)
    const said = signal?.aborted ? new Cancelled() : known
    failure = said.message
    throw said
  } finally {
    recorder.end(failure)
  }
}

function messagesOf(text: string, recorder: Recorder): Message[] {
  try {
    const messages = parseMessages(text)
    if (messages.length === 1) recorder.message('received', text, messages[0] ?? null)
    else for (const message of messages) recorder.message('received', JSON.stringify(message), message)
    return messages
  } catch (failure) {
    recorder.message('received', text, null)
    throw failure
  }
}

interface Piece {
  text: string
  eventId: string | null
  retryMs: number | null
}

async function* pieces(response: Response): AsyncGenerator<Piece> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type === 'text/event-stream' && response.body) {
    for await (const { data, id, retryMs } of sseEvents(response.body)) yield { text: data, eventId: id, retryMs }
    return
  }
  const text = await response.text()
  // 202 says that a notification or an answer was taken, and nothing else.
  if (response.status === 202 || text === '') return
  yield { text, eventId: null, retryMs: null }
}
