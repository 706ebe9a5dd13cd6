import type { Exchange } from './exchange'
import type { Failure } from './failure'
import { type JsonObject, objectOf, textOf } from './json'

export type Era = 'legacy' | 'modern'

/** The newest revision of each era. */
export const VERSIONS: Record<Era, string> = { legacy: '2025-11-25', modern: '2026-07-28' }

export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

export type McpLogLevel = (typeof LOG_LEVELS)[number]

export interface LogEntry {
  at: number
  level: string
  logger: string | null
  data: unknown
}

export interface Progress {
  progress: number
  total: number | null
  message: string | null
}

/** The lists that a server may tell the changes of. */
export type ListName = 'tools' | 'prompts' | 'resources'

/** What happens on a connection besides the answers to requests. */
export interface ConnectionObserver {
  onExchange?(exchange: Exchange): void
  onMessage?(message: Exchange['messages'][number], exchange: Exchange): void
  onLog?(entry: LogEntry): void
  onListChanged?(list: ListName): void
  onResourceUpdated?(uri: string): void
  /** What a person did at a URL that an elicitation showed is done (2025-11-25). */
  onUrlDone?(elicitationId: string): void
  /** The stream that tells of changes is open, broken and being opened again, or not to be had. */
  onStream?(state: StreamState): void
  /** The server does not know this session any more. */
  onEnded?(failure: Failure): void
}

export type StreamState = 'open' | 'broken' | 'none'

export interface RequestOptions {
  signal?: AbortSignal | undefined
  /** Headers beyond those that every request has; in the modern era they mirror arguments. */
  headers?: Record<string, string>
  onProgress?: ((progress: Progress) => void) | undefined
  onLog?: ((entry: LogEntry) => void) | undefined
  /** Each time that an exchange of this request gets on. A request may need several. */
  onExchange?: ((exchange: Exchange) => void) | undefined
}

export interface ServerFacts {
  name: string | null
  title: string | null
  version: string | null
  protocolVersion: string
  capabilities: JsonObject
  instructions: string | null
  /** Null where there are no sessions. */
  session: string | null
  /** The result of the handshake, as it came. */
  raw: JsonObject
}

/** What both eras have in common. */
export interface Connection {
  readonly era: Era
  readonly server: ServerFacts
  /** Sends a request, answers what the server asks meanwhile, and waits for the result. */
  request(method: string, params: JsonObject, options?: RequestOptions): Promise<JsonObject>
  /** Asks whether the server is there. */
  ping(options?: RequestOptions): Promise<void>
  setLogLevel(level: McpLogLevel): Promise<void>
  subscribe(uri: string): Promise<void>
  unsubscribe(uri: string): Promise<void>
  /** Tells the server, in the era that has words for it. */
  rootsChanged(): Promise<void>
  /** Ends streams, calls and the session. Its request goes on when the page is gone. */
  close(): Promise<void>
}

export const CLIENT_INFO = { name: 'agentgateway-playground', title: 'agentgateway Tool Playground', version: '1' }

/** A person sits here, who can answer whatever a server may ask. */
export const CAPABILITIES = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } }

export function factsOf(result: JsonObject, identity: unknown): Omit<ServerFacts, 'protocolVersion' | 'session'> {
  const { name, title, version } = objectOf(identity)
  return {
    name: textOf(name),
    title: textOf(title),
    version: textOf(version),
    capabilities: objectOf(result.capabilities),
    instructions: textOf(result.instructions),
    raw: result,
  }
}
