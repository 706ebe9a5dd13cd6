import type {
  ApiError,
  CallDetail,
  Calls,
  Catalog,
  CheckReport,
  ConfigFile,
  Edit,
  EditReport,
  Fault,
  LogLevel,
  SaveReport,
  Session,
  Status,
  TargetSpec,
} from './types'

/** An answer that is an error, or no answer at all: then `status` is 0 and `code` is `unreachable`. */
export class ApiFailure extends Error {
  readonly code: string
  readonly text: string
  readonly faults: Fault[]
  readonly status: number

  constructor(status: number, body: ApiError) {
    super(body.error)
    this.name = 'ApiFailure'
    this.code = body.code
    this.text = body.error
    this.faults = body.faults ?? []
    this.status = status
  }
}

/** Words for whatever was thrown. */
export function textOf(error: unknown): string {
  if (error instanceof ApiFailure) return error.text
  return error instanceof Error ? error.message : String(error)
}

export const getStatus = (signal?: AbortSignal) =>
  get<Status>(`/api/status?origin=${encodeURIComponent(location.origin)}`, signal)

export const getSessions = async (signal?: AbortSignal) => (await get<{ sessions: Session[] }>('/api/sessions', signal)).sessions

export const endSession = (id: string) => send<void>('DELETE', `/api/sessions/${encodeURIComponent(id)}`)

export const getCatalog = (backend: string, signal?: AbortSignal) =>
  get<Catalog>(`/api/catalog?backend=${encodeURIComponent(backend)}`, signal)

export const getCalls = (signal?: AbortSignal) => get<Calls>('/api/calls', signal)

export const getCall = (id: number, signal?: AbortSignal) => get<CallDetail>(`/api/calls/${id}`, signal)

export const restartTarget = (backend: string, name: string) =>
  send<void>('POST', `/api/backends/${encodeURIComponent(backend)}/targets/${encodeURIComponent(name)}/restart`)

export const setLogLevel = (level: LogLevel) => send<void>('PUT', '/api/log-level', { level })

export const getConfig = (signal?: AbortSignal) => get<ConfigFile>('/api/config', signal)

export const getEffectiveConfig = (signal?: AbortSignal) => get<unknown>('/api/config/effective', signal)

export const getConfigSchema = (signal?: AbortSignal) => get<object>('/api/config/schema', signal)

export const getConfigTarget = (backend: string, name: string, signal?: AbortSignal) =>
  get<TargetSpec>(`/api/config/target?${new URLSearchParams({ backend, name })}`, signal)

export const checkConfig = (text: string, signal?: AbortSignal) =>
  send<CheckReport>('POST', '/api/config/check', { text }, signal)

/** Saves nothing. Without `text` the edit is made to the file as it is. */
export const editConfig = (edit: Edit, text?: string) => send<EditReport>('POST', '/api/config/edit', { text, edit })

export const saveConfig = (revision: string, text: string) => send<SaveReport>('PUT', '/api/config', { revision, text })

function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(path, { signal: signal ?? null })
}

function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  // The header is there even without a body: another site's page cannot send it without asking first.
  const headers = { 'Content-Type': 'application/json' }
  return answerOf<T>(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null })
}

async function answerOf<T>(path: string, request: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, { cache: 'no-store', ...request })
  } catch (error) {
    if (request.signal?.aborted) throw error
    throw new ApiFailure(0, { code: 'unreachable', error: 'The gateway does not answer. Is it still running?' })
  }
  if (!response.ok) throw new ApiFailure(response.status, await errorOf(response))
  // Accepted (202) and done (204): there is nothing to say about it.
  if (response.status === 202 || response.status === 204) return undefined as T
  return (await response.json()) as T
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  try {
    const body = JSON.parse(text) as Partial<ApiError>
    if (typeof body.error === 'string') return { code: body.code ?? 'unknown', error: body.error, faults: body.faults ?? [] }
  } catch {
    // What answered is not our API: a proxy, perhaps. Its own words are the best that there is.
  }
  return { code: 'unknown', error: text.slice(0, 300) || `The gateway answered with HTTP ${response.status}.` }
}
