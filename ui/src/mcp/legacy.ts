import {
  CAPABILITIES,
  CLIENT_INFO,
  type Connection,
  type ConnectionObserver,
  factsOf,
  type McpLogLevel,
  type RequestOptions,
  type ServerFacts,
  VERSIONS,
} from './connection'
import { BadAnswer, Cancelled, codes, failureOf, HttpFailure, RpcFailure, SessionEnded, type Unreachable } from './failure'
import { arrayOf, isObject, type JsonObject, objectOf } from './json'
import { type Id, isNotification, isRequest, type Message, type Notification, type Request, type Response } from './message'
import { logEntryOf, progressOf, tellChange } from './notice'
import { Backoff, pause } from './pause'
import type { Questions } from './question'
import { Serving } from './serving'
import type { Incoming, Outgoing, Wire } from './wire'

/** A request whose answer has not come yet. */
interface Pending {
  options: RequestOptions
  resolve(result: JsonObject): void
  reject(failure: unknown): void
}

/** Where a stream can be taken up again. */
interface Resumption {
  lastEventId: string | null
  retryMs: number | null
}

interface Parts {
  wire: Wire
  questions: Questions
  observer: ConnectionObserver
}

/** Calls that need pages to be visited first are made again so often. */
const URL_ROUNDS = 3
/** Attempts in a row to take up the stream of a call. */
const RESUMPTIONS = 6

/** The era of handshake and session, up to 2025-11-25: requests go both ways, and a stream brings what belongs to no call. */
export class LegacyConnection implements Connection {
  readonly era = 'legacy'
  private facts: ServerFacts | null = null
  private session: string | null = null
  private version: string | null = null
  private lastId = 0
  private readonly pending = new Map<Id, Pending>()
  private readonly closing = new AbortController()
  private readonly serving: Serving
  private readonly parts: Parts

  private constructor(parts: Parts) {
    this.parts = parts
    const reply = (response: Response) => this.post(response)
    this.serving = new Serving({ questions: parts.questions, reply, closing: this.closing.signal })
  }

  static async open(parts: Parts, signal?: AbortSignal): Promise<LegacyConnection> {
    const connection = new LegacyConnection(parts)
    try {
      await connection.shakeHands(signal)
    } catch (failure) {
      await connection.close()
      throw failure
    }
    void connection.listen()
    return connection
  }

  get server(): ServerFacts {
    if (!this.facts) throw new Error('The handshake is not done yet.')
    return this.facts
  }

  private async shakeHands(signal: AbortSignal | undefined) {
    const capabilities = { ...CAPABILITIES, roots: { listChanged: true } }
    const params = { protocolVersion: VERSIONS.legacy, capabilities, clientInfo: CLIENT_INFO }
    const result = await this.request('initialize', params, { signal })
    const { protocolVersion, serverInfo } = result
    if (typeof protocolVersion !== 'string') throw new BadAnswer('The server named no protocol version.', JSON.stringify(result))
    this.version = protocolVersion
    this.facts = { ...factsOf(result, serverInfo), protocolVersion, session: this.session }
    await this.notify('notifications/initialized')
  }

  async request(method: string, params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    for (let round = 1; ; round += 1) {
      try {
        return await this.once(method, params, options)
      } catch (failure) {
        if (round > URL_ROUNDS || !(failure instanceof RpcFailure) || failure.code !== codes.urlElicitationRequired) throw failure
        await this.visit(failure, options.signal)
      }
    }
  }

  /** Asks for the visits that a call needs (2025-11-25, "URL Elicitation Required Error"). */
  private async visit(failure: RpcFailure, signal: AbortSignal | undefined) {
    const wanted = arrayOf(objectOf(failure.data).elicitations).filter(isObject)
    if (wanted.length === 0) throw failure
    for (const params of wanted) {
      const { action } = await this.parts.questions.ask('elicitation/create', params, this.while(signal))
      if (action !== 'accept') throw failure
    }
  }

  private once(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject> {
    const { signal } = options
    if (signal?.aborted || this.closing.signal.aborted) return Promise.reject(new Cancelled())
    this.lastId += 1
    const id = this.lastId
    const meta = options.onProgress ? { _meta: { ...objectOf(params._meta), progressToken: id } } : {}
    const message: Request = { jsonrpc: '2.0', id, method, params: { ...params, ...meta } }
    const reading = new AbortController()
    return new Promise<JsonObject>((resolve, reject) => {
      const settle = () => {
        this.pending.delete(id)
        signal?.removeEventListener('abort', cancel)
        reading.abort()
      }
      const pending: Pending = {
        options,
        resolve: (result) => (settle(), resolve(result)),
        reject: (failure) => (settle(), reject(failure)),
      }
      const cancel = () => {
        pending.reject(new Cancelled())
        if (method !== 'initialize') void this.notify('notifications/cancelled', { requestId: id, reason: 'The user cancelled' })
      }
      signal?.addEventListener('abort', cancel, { once: true })
      this.pending.set(id, pending)
      this.converse(message, pending, reading.signal).catch(pending.reject)
    })
  }

  /** Sends a request and reads its stream to the answer, taking the stream up again where it breaks. */
  private async converse(message: Request, { options }: Pending, signal: AbortSignal) {
    const resumption: Resumption = { lastEventId: null, retryMs: null }
    const backoff = new Backoff()
    let outgoing: Outgoing = { verb: 'POST', message, headers: options.headers ?? {}, signal, observer: options }
    while (this.pending.has(message.id)) {
      try {
        const incoming = await this.send(outgoing)
        if (message.method === 'initialize') this.session = incoming.session
        await this.drain(incoming, resumption, message.id)
        backoff.reset()
      } catch (failure) {
        const resumable = resumption.lastEventId !== null && backoff.failures < RESUMPTIONS
        if (!isBroken(failure) || !resumable) throw failure
      }
      if (!this.pending.has(message.id)) return
      if (resumption.lastEventId === null) throw new BadAnswer('The answer ended before there was a result.')
      await pause(resumption.retryMs ?? backoff.next(), signal)
      outgoing = { verb: 'GET', headers: { 'Last-Event-ID': resumption.lastEventId }, signal, observer: options }
    }
  }

  /** Reads a stream until it ends, or until it brought the answer that it is read for. */
  private async drain(incoming: Incoming, resumption: Resumption, until: Id | null) {
    for await (const received of incoming.received) {
      resumption.lastEventId = received.eventId ?? resumption.lastEventId
      resumption.retryMs = received.retryMs ?? resumption.retryMs
      if (received.message) this.take(received.message, until)
      if (until !== null && !this.pending.has(until)) return
    }
  }

  /** `call` is the request on whose stream it came. */
  private take(message: Message, call: Id | null) {
    if (isRequest(message)) void this.serving.serve(message)
    else if (isNotification(message)) this.hear(message, call)
    else this.settle(message, call)
  }

  private settle({ id, result, error }: Response, call: Id | null) {
    const pending = this.pending.get(id ?? call ?? -1)
    if (error) pending?.reject(new RpcFailure(error, 200))
    else if (result) pending?.resolve(result)
  }

  private hear(notification: Notification, call: Id | null) {
    const { observer } = this.parts
    const params = objectOf(notification.params)
    switch (notification.method) {
      case 'notifications/progress': {
        // By token and not by stream: some servers report on the stream that belongs to no call.
        const progress = progressOf(params)
        const pending = this.pending.get(Number(params.progressToken))
        if (progress) pending?.options.onProgress?.(progress)
        break
      }
      case 'notifications/message': {
        const entry = logEntryOf(params)
        if (call !== null) this.pending.get(call)?.options.onLog?.(entry)
        observer.onLog?.(entry)
        break
      }
      case 'notifications/cancelled':
        this.serving.takeBack(params.requestId)
        break
      case 'notifications/elicitation/complete':
        observer.onUrlDone?.(String(params.elicitationId))
        break
      default:
        tellChange(notification, observer)
    }
  }

  /** Keeps the stream open on which the server says what belongs to no call. Not every server has one. */
  private async listen() {
    const { signal } = this.closing
    const { observer } = this.parts
    const resumption: Resumption = { lastEventId: null, retryMs: null }
    const backoff = new Backoff()
    while (!signal.aborted) {
      try {
        const { lastEventId } = resumption
        const headers: Record<string, string> = lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }
        const incoming = await this.send({ verb: 'GET', headers, signal })
        observer.onStream?.('open')
        backoff.reset()
        await this.drain(incoming, resumption, null)
      } catch (failure) {
        if (!isBroken(failure)) {
          if (!(failure instanceof Cancelled)) observer.onStream?.('none')
          return
        }
      }
      if (signal.aborted) return
      observer.onStream?.('broken')
      await pause(resumption.retryMs ?? backoff.next(), signal)
    }
  }

  async ping(options?: RequestOptions) {
    await this.request('ping', {}, options)
  }

  async setLogLevel(level: McpLogLevel) {
    await this.request('logging/setLevel', { level })
  }

  async subscribe(uri: string) {
    await this.request('resources/subscribe', { uri })
  }

  async unsubscribe(uri: string) {
    await this.request('resources/unsubscribe', { uri })
  }

  async rootsChanged() {
    await this.notify('notifications/roots/list_changed')
  }

  async close() {
    if (this.closing.signal.aborted) return
    this.closing.abort()
    for (const pending of [...this.pending.values()]) pending.reject(new Cancelled())
    if (this.session === null) return
    // A server may refuse this, and one that is gone needs none.
const ended = this.parts.wire.send({ verb: 'DELETE', headers: this.headers(), keepalive: true })
    await ended.then(({ received }) => received.next()).catch(() => undefined)
  }

  /** Nobody waits for what becomes of a notification; the log of messages shows it. */
  private async notify(method: string, params?: JsonObject) {
    await this.post({ jsonrpc: '2.0', method, ...(params ? { params } : {}) })
  }

  private async post(message: Notification | Response) {
    try {
      const { received } = await this.send({ verb: 'POST', message, headers: {}, signal: this.closing.signal })
      for await (const { message } of received) if (message) this.take(message, null)
    } catch {
      // As above.
    }
  }

  private async send(outgoing: Outgoing): Promise<Incoming> {
    try {
      return await this.parts.wire.send({ ...outgoing, headers: { ...this.headers(), ...outgoing.headers } })
    } catch (failure) {
      const status = failure instanceof HttpFailure || failure instanceof RpcFailure ? failure.status : 0
      if (status !== 404 || this.session === null) throw failure
      const ended = new SessionEnded()
      this.session = null
      this.parts.observer.onEnded?.(ended)
      throw ended
    }
  }

  private headers(): Record<string, string> {
    return {
      ...(this.session === null ? {} : { 'Mcp-Session-Id': this.session }),
      ...(this.version === null ? {} : { 'MCP-Protocol-Version': this.version }),
    }
  }

  private while(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal
  }
}

/** Whether a connection broke, as opposed to an answer that says no. A server that is starting again answers 5xx. */
function isBroken(failure: unknown): failure is Unreachable | HttpFailure {
  const { kind } = failureOf(failure)
  return kind === 'unreachable' || (failure instanceof HttpFailure && failure.status >= 500)
}
