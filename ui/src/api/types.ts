/**
 * What the admin API says, as JSON. docs/admin-api.md describes it for people; the Rust side is crates/gateway/src/admin.
 * Times are RFC 3339 in UTC, durations are numbers with their unit in the name.
 */

export type Era = 'legacy' | 'modern'
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** GET /api/status?origin=<origin of the page>, and each `status` event of GET /api/events?origin=…. */
export interface Status {
  version: string
  startedAt: string
  /** Whether every target that was configured has had its chance to start. */
  ready: boolean
  config: ConfigStatus
  logLevel: LogLevel
  /** Where the log level comes from: the environment overrides the file, and a change through the API overrides both. */
  logLevelFrom: 'config' | 'environment' | 'api'
  listeners: Listener[]
  routes: Route[]
  backends: Backend[]
  traffic: Traffic
}

export interface ConfigStatus {
  source: 'file' | 'stdin' | 'inline' | 'default'
  /** The path of the file, if there is one. */
  path: string | null
  /** Whether the API can write the file. */
  writable: boolean
  /** When the file was last read and is in force since; renewed also when only a comment changed. */
  loadedAt: string
  /** Why the file as it is now is not in force; null when it is. */
  problem: Problem | null
  /** Keys that were changed and take effect only at the next start. */
  restart: string[]
}

export interface Problem {
  /** Everything in one text, as the log has it. */
  text: string
  faults: Fault[]
}

export interface Fault {
  /** From 1; 0 if the fault is at no place in the text. */
  line: number
  /** In characters, from 1; 0 as above. */
  column: number
  /** Keys that lead there, like `binds[0].listeners[1].hostname`; empty at the top. */
  path: string
  message: string
  hint?: string
}

export interface Listener {
  key: string
  /** Null if the file gives it none. */
  name: string | null
  /** The address it is bound to, and the port that it really has. */
  address: string
  port: number
  hostname: string | null
  protocol: 'HTTP' | 'HTTPS'
  /** Whether other machines can reach it. */
  exposed: boolean
  /** Keys of its routes, in order. */
  routes: string[]
}

export interface Route {
  key: string
  listener: string
  /** Null if the file gives it none. Such a route is shown as "Route 1", counted over all routes. */
  name: string | null
  hostnames: string[]
  /** What requests have to look like, one line of words each, like `path /mcp and below, method POST`. */
  matches: string[]
  cors: { allowOrigins: string[] } | null
  /** Whether pages of the asking origin may call this route now. */
  allowsPage: boolean
  /** Where clients connect. `host` is null when any name of this machine will do: then use the host the page came from. */
  endpoint: { scheme: 'http' | 'https'; host: string | null; port: number; path: string }
  backends: { key: string; weight: number }[]
}

export interface Backend {
  key: string
  prefixMode: 'conditional' | 'always' | 'never'
  failureMode: 'failOpen' | 'failClosed'
  statefulMode: 'stateful' | 'stateless'
  sessions: number
  targets: Target[]
}

export type TargetState = 'starting' | 'ready' | 'failing'

export interface Target {
  name: string
  transport: Transport
  state: TargetState
  /** When it got into this state. */
  since: string
  /** Why it is failing, in words. */
  reason: string | null
  /** Attempts that failed in a row, and when the next is due; 0 and null unless it is failing. */
  attempts: number
  nextAttemptAt: string | null
  /** What it said of itself when it was last there; null if it never was. */
  peer: Peer | null
  counts: { tools: number; prompts: number; resources: number; resourceTemplates: number }
  /** Lists that could not be read, and why. What was known of them before is still served. */
  listFaults: { list: string; reason: string }[]
  /** Process ids of its live children. */
  processes: number[]
  restarts: number
  /** Its last lines of standard error, oldest first. */
  stderr: string[]
  /** Whether calls are let through. `open`: refused until `nextTrialAt`; `halfOpen`: one is being tried. */
  breaker: {
    state: 'closed' | 'open' | 'halfOpen'
    failures: number
    reason: string | null
    nextTrialAt: string | null
    openings: number
  }
  calls: CallFigures
  /** What the file says of it that is not the default: deadlines, limits, sharing, … */
  settings: Record<string, unknown>
}

export type Transport =
  /** `command` is the whole command line as the file spells it, for display. */
  | { kind: 'stdio'; command: string }
  | { kind: 'http'; url: string }
  | { kind: 'sse'; url: string }

export interface Peer {
  era: Era
  protocolVersion: string
  serverInfo: { name?: string; title?: string; version?: string; [member: string]: unknown } | null
  capabilities: Record<string, unknown>
  instructions: string | null
}

/** Since the gateway started or the target was last changed. Percentiles are null when there were no calls. */
export interface CallFigures {
  total: number
  errors: number
  running: number
  p50Ms: number | null
  p90Ms: number | null
  p99Ms: number | null
}

/** The last hour in buckets, oldest first; the last one is still filling. */
export interface Traffic {
  bucketSeconds: number
  calls: number[]
  errors: number[]
  /** Median duration of the calls that ended in each bucket, in milliseconds. */
  p50Ms: (number | null)[]
}

/** GET /api/sessions → `{ sessions: Session[] }`, and each `sessions` event. DELETE /api/sessions/{id} ends one (204). */
export interface Session {
  /** A handle for this API, not the id that the client holds. */
  id: string
  backend: string
  client: ClientInfo | null
  era: Era
  /** Null before its handshake. */
  protocolVersion: string | null
  transport: 'streamable-http' | 'sse'
  startedAt: string
  /** Null while it is in use: an open stream or a running call. */
  idleSince: string | null
  running: number
  calls: number
  /** Targets that it has links of its own to. */
  links: string[]
}

export interface ClientInfo {
  name?: string
  title?: string
  version?: string
}

/** GET /api/catalog?backend=<key> */
export interface Catalog {
  items: CatalogItem[]
}

export interface CatalogItem {
  kind: 'tool' | 'prompt' | 'resource' | 'resourceTemplate'
  /** The name or URI that clients see. */
  name: string
  target: string
  /** The name or URI at the target. */
  original: string
  /** The item as clients get it. */
  item: Record<string, unknown>
  /** Roughly how many tokens of a model's context it takes. */
  tokens: number
}

/** GET /api/calls → newest first. */
export interface Calls {
  /** How many are kept; 0 means that recording is off (`config.activity.calls`). */
  keep: number
  /** Bytes of each body that are kept; 0 means none (`config.activity.bodies`). */
  bodies: number
  calls: CallSummary[]
}

/** Each `call` event, when a call has ended. */
export interface CallSummary {
  /** Counts up from 1. */
  id: number
  /** When it began. */
  at: string
  client: ClientInfo | null
  era: Era
  /** The handle of its session; null for clients that have none. */
  session: string | null
  backend: string
  /** `tools/call`, `resources/read`, … */
  method: string
  /** The exposed name or URI. */
  item: string | null
  target: string | null
  /**
   * `ok`; `toolError`: the tool ran and says that it failed (`isError`); `error`: a JSON-RPC error; `inputRequired`: a modern
   * call that waits for its client; `cancelled`: the client gave up.
   */
  outcome: 'ok' | 'toolError' | 'error' | 'inputRequired' | 'cancelled'
  /** Of an error. */
  code: number | null
  message: string | null
  durationMs: number
  requestBytes: number
  responseBytes: number
}

/** GET /api/calls/{id}; 404 once it is forgotten. */
export interface CallDetail extends CallSummary {
  /** `params` as the client sent them, as JSON text. Null if bodies are not kept. */
  params: string | null
  /** Whether the text was cut at the ceiling, so that it is not JSON any more. */
  paramsCut: boolean
  /** `result` or `error` as the client got it, as JSON text. */
  response: string | null
  responseCut: boolean
}

/** GET /api/config */
export interface ConfigFile {
  source: ConfigStatus['source']
  path: string | null
  writable: boolean
  text: string
  /** Names this content; PUT has to bring it back. */
  revision: string
  problem: Problem | null
}

/** POST /api/config/check `{ text }`: what is wrong with a text, and what saving it would change. */
export interface CheckReport {
  faults: Fault[]
  /** Against the file as it is now, in unified form; empty if they are the same. */
  diff: string
  /** Keys whose change takes effect only at the next start. */
  restart: string[]
}

/**
 * POST /api/config/edit `{ text?, edit }`: an edit that keeps comments and order, made to `text` or else to the file as it is. Saves
 * nothing. 422 with an ApiError if it cannot be made.
 */
export interface EditReport extends CheckReport {
  text: string
  /** Of the file that the diff is against. */
  revision: string
}

export type Edit =
  /** Lets pages of an origin call a route. `route` is a Route.key. */
  | { kind: 'allowOrigin'; route: string; origin: string }
  /** `backend` is a Backend.key. */
  | { kind: 'addTarget'; backend: string; target: TargetSpec }
  | { kind: 'replaceTarget'; backend: string; name: string; target: TargetSpec }
  | { kind: 'removeTarget'; backend: string; name: string }

/** GET /api/config/target?backend=<key>&name=<name>: a target as the file spells it; variables are not expanded, so that a number or a boolean may be a text like `$PORT`. */
export interface TargetSpec {
  name: string
  stdio?: { cmd: string; args?: string[]; env?: Record<string, string>; clear_env?: boolean | string; cwd?: string }
  mcp?: RemoteSpec
  sse?: RemoteSpec
}

export interface RemoteSpec {
  host: string
  port?: number | string
  path?: string
}

/**
 * PUT /api/config `{ revision, text }`: replaces the file atomically and waits for the reload. 409 with code `changed` if the file is
 * no longer that revision; 422 with faults if the text is not valid; 403 with code `readOnly` if it cannot be written.
 */
export interface SaveReport {
  revision: string
  /** Whether the new configuration is in force. */
  applied: boolean
  problem: Problem | null
}

/** The body of every error answer of the API. */
export interface ApiError {
  code: string
  error: string
  faults?: Fault[]
}
