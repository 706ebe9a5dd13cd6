import {
  CAPABILITIES,
  CLIENT_INFO,
  type Connection,
  type ConnectionObserver,
  factsOf,
  type ListName,
  type McpLogLevel,
  type RequestOptions,
  type ServerFacts,
  VERSIONS,
} from './connection'
import { BadAnswer, Cancelled, RpcFailure } from './failure'
import { encodeHeader } from './header'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from './json'
import { Listening } from './listening'
import { type Id, isNotification, isResponse, type Message, type Request } from './message'
import { logEntryOf, progressOf } from './notice'
import { pause } from './pause'
import type { Questions } from './question'
import type { Incoming, Wire } from './wire'

const META = 'io.modelcontextprotocol/'
/** A server that goes on asking is stuck, and so would be the person. */
const ROUNDS = 16
const FIRST_PAUSE_MS = 500
const LISTS: ListName[] = ['tools', 'prompts', 'resources']

/** What names the item of a request, for the header `Mcp-Name`. */
const NAMES: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

interface Parts {
  wire: Wire
  questions: Questions
  observer: ConnectionObserver
}

/** The era without sessions, from 2026-07-28 on: every request describes itself, and a server that needs input says so in its result. */
export class ModernConnection implements Connection {
  readonly era = 'modern'
  private facts: ServerFacts | null = null
  private lastId = 0
  private logLevel: McpLogLevel | null = null
  private readonly subscribed = new Set<string>()
  private readonly closing = new AbortController()
  private readonly listening: Listening
  private readonly parts: Parts

  private constructor(parts: Parts) {
    this.parts = parts
    const open = async (params: JsonObject, signal: AbortSignal) => {
      const message = this.message('subscriptions/listen', params)
      return { id: message.id, incoming: await this.send(message, { signal }) }
    }
    this.listening = new Listening({ open, observer: parts.observer })
  }

  static async open(parts: Parts, signal?: AbortSignal): Promise<ModernConnection> {
    const connection = new ModernConnection(parts)
    await connection.discover(signal)
    connection.follow().catch(() => parts.observer.onStream?.('none'))
    return connection
  }

  get server(): ServerFacts {
    if (!this.facts) throw new Error('The server is not discovered yet.')
    return this.facts
  }

  private async discover(signal: AbortSignal | undefined) {
    const result = await this.request('server/discover', {}, { signal })
    const versions = arrayOf(result.supportedVersions)
    if (!versions.includes(VERSIONS.modern)) {
      throw new BadAnswer(`The server speaks ${versions.join(', ') || 'no version that it names'}, and not ${VERSIONS.modern}.`)
    }
    const identity = objectOf(result._meta)[`${META}serverInfo`]
    this.facts = { ...factsOf(result, identity), protocolVersion: VERSIONS.modern, session: null }
  }

  async request(method: string, params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    const signal = this.while(options.signal)
    let round: JsonObject = {}
    for (let pauseMs = FIRST_PAUSE_MS, rounds = 0; rounds < ROUNDS; rounds += 1) {
      const result = await this.once(method, { ...params, ...round }, { ...options, signal })
      const type = result.resultType ?? 'complete'
      if (type === 'complete') return result
      if (type !== 'input_required' || !(method in NAMES)) {
        throw new BadAnswer(`The server answered with a result of the type ${JSON.stringify(type)}, which this client did not ask for.`)
      }
      const answers = await this.answers(result, signal)
      if (!answers) {
        // Nothing is asked: the server is busy, and wants the same again later.
        if (!(await pause(pauseMs, signal))) throw new Cancelled()
        pauseMs *= 2
      }
      const state = textOf(result.requestState)
      round = { ...(answers ? { inputResponses: answers } : {}), ...(state === null ? {} : { requestState: state }) }
    }
    throw new BadAnswer(`The server asked ${ROUNDS} times and still has no result.`)
  }

  /** The answers to what a result asks for; null if it asks for nothing. */
  private async answers(result: JsonObject, signal: AbortSignal): Promise<JsonObject | null> {
    if (!isObject(result.inputRequests)) return null
    const answers: JsonObject = {}
    // One after the other: once one is refused, the others need no answer either.
    for (const [key, question] of Object.entries(result.inputRequests)) {
      const { method, params } = objectOf(question)
      answers[key] = await this.parts.questions.ask(String(method), objectOf(params), signal)
    }
    return answers
  }

  private async once(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject> {
    const message = this.message(method, params, options)
    const incoming = await this.send(message, options)
    for await (const { message: received } of incoming.received) {
      const result = received && this.take(received, message.id, options)
      if (result) return result
    }
    throw new BadAnswer('The answer ended before there was a result. What became of the request is not known.')
  }

  private take(message: Message, id: Id, options: RequestOptions): JsonObject | null {
    if (isResponse(message)) {
      if (message.error) throw new RpcFailure(message.error, 200)
      return (message.id ?? id) === id ? (message.result ?? null) : null
    }
    if (!isNotification(message)) return null
    const params = objectOf(message.params)
    if (message.method === 'notifications/progress') {
      const progress = progressOf(params)
      if (progress) options.onProgress?.(progress)
    }
    if (message.method === 'notifications/message') {
      const entry = logEntryOf(params)
      options.onLog?.(entry)
      this.parts.observer.onLog?.(entry)
    }
    return null
  }

  /** A request with everything in it that the server has to know. */
  private message(method: string, params: JsonObject, { onProgress }: RequestOptions = {}): Request {
    this.lastId += 1
    const meta = {
      ...objectOf(params._meta),
      [`${META}protocolVersion`]: VERSIONS.modern,
      [`${META}clientCapabilities`]: CAPABILITIES,
      [`${META}clientInfo`]: CLIENT_INFO,
      ...(this.logLevel ? { [`${META}logLevel`]: this.logLevel } : {}),
      ...(onProgress ? { progressToken: this.lastId } : {}),
    }
    return { jsonrpc: '2.0', id: this.lastId, method, params: { ...params, _meta: meta } }
  }

  private send(message: Request, options: RequestOptions): Promise<Incoming> {
    const name = textOf(objectOf(message.params)[NAMES[message.method] ?? ''])
    const headers = {
      'MCP-Protocol-Version': VERSIONS.modern,
      'Mcp-Method': message.method,
      ...(name === null ? {} : { 'Mcp-Name': encodeHeader(name) }),
      ...options.headers,
    }
    return this.parts.wire.send({ verb: 'POST', message, headers, signal: this.while(options.signal), observer: options })
  }

  /** There is no ping; this is the smallest thing to ask. */
  async ping(options?: RequestOptions) {
    await this.request('server/discover', {}, options)
  }

  setLogLevel(level: McpLogLevel): Promise<void> {
    this.logLevel = level
    return Promise.resolve()
  }

  async subscribe(uri: string) {
    this.subscribed.add(uri)
    const { uris } = await this.follow().catch((failure: unknown) => {
      this.subscribed.delete(uri)
      throw failure
    })
    if (uris.includes(uri)) return
    this.subscribed.delete(uri)
    await this.follow()
    throw new BadAnswer('The server does not tell of changes of this resource.')
  }

  async unsubscribe(uri: string) {
    this.subscribed.delete(uri)
    await this.follow()
  }

  private follow() {
    const lists = LISTS.filter((list) => objectOf(this.server.capabilities[list]).listChanged === true)
    return this.listening.change({ lists, uris: [...this.subscribed] })
  }

  /** There is nobody to tell: a server that wants roots asks for them. */
  rootsChanged(): Promise<void> {
    return Promise.resolve()
  }

  /** Closing a stream cancels its request. */
  close(): Promise<void> {
    this.closing.abort()
    this.listening.close()
    return Promise.resolve()
  }

  private while(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal
  }
}
