import { isRequest, type Message, type Request, type Response as Reply } from './message'

/** For tests: a server that a script plays, in the place of `fetch`. */

export interface Hit {
  verb: string
  headers: Headers
  /** Null for GET and DELETE. */
  message: Message | null
  keepalive: boolean
  signal: AbortSignal | null
}

export type Script = (hit: Hit) => Response | undefined | Promise<Response | undefined>

export interface Scripted {
  fetch: typeof fetch
  hits: Hit[]
  /** The messages with this method that were sent. */
  sent(method: string): Request[]
  /** The responses that were sent. */
  replies(): Reply[]
}

/** Rows are tried in order; what no row answers gets 202, or 405 if it is no POST. */
export function scripted(...rows: Script[]): Scripted {
  const hits: Hit[] = []
  const messages = () => hits.flatMap(({ message }) => message ?? [])
  return {
    hits,
    sent: (method) => messages().filter((message): message is Request => 'method' in message && message.method === method),
    replies: () => messages().filter((message): message is Reply => !('method' in message)),
    fetch: async (_, init) => {
      const { method = 'GET', headers, body, keepalive = false, signal = null } = init ?? {}
      const message = typeof body === 'string' ? (JSON.parse(body) as Message) : null
      const hit = { verb: method, headers: new Headers(headers), message, keepalive, signal }
      hits.push(hit)
      for (const row of rows) {
        const response = await row(hit)
        if (response) return response
      }
      return new Response(null, { status: method === 'POST' ? 202 : 405 })
    },
  }
}

/** Answers requests of a method. */
export function on(method: string, answer: (request: Request, hit: Hit) => Response | Promise<Response> | object): Script {
  return async (hit) => {
    if (!hit.message || !isRequest(hit.message) || hit.message.method !== method) return undefined
    const answered = await answer(hit.message, hit)
    return answered instanceof Response ? answered : result(hit.message, answered)
  }
}

export function result({ id }: Request, value: object, headers: Record<string, string> = {}): Response {
  return json({ jsonrpc: '2.0', id, result: value }, 200, headers)
}

export function error(
  { id }: Request,
  code: number,
  message: string,
  { status = 200, data }: { status?: number; data?: unknown } = {},
): Response {
  return json({ jsonrpc: '2.0', id, error: { code, message, data } }, status)
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

export interface Stream {
  response: Response
  send(message: object, id?: string): void
  raw(text: string): void
  end(): void
  /** As if the connection broke. */
  breakOff(): void
  /** Whether the client closed it. */
  closed(): boolean
}

/** An SSE answer that the test writes as it goes. Ends when the request is aborted, as with a real `fetch`. */
export function stream(hit?: Hit): Stream {
  const encoder = new TextEncoder()
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let closed = false
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (closed = true),
  })
  hit?.signal?.addEventListener('abort', () => {
    if (!closed) controller.error(new DOMException('aborted', 'AbortError'))
    closed = true
  })
  const raw = (text: string) => controller.enqueue(encoder.encode(text))
  return {
    response: new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }),
    raw,
    send: (message, id) => raw(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`),
    end: () => controller.close(),
    breakOff: () => controller.error(new TypeError('network error')),
    closed: () => closed,
  }
}

/** A stream with these messages, that ends. */
export function events(...messages: object[]): Response {
  const all = stream()
  for (const message of messages) all.send(message)
  all.end()
  return all.response
}

/** A server of each era that offers a bit of everything. */
export const handshake = on('initialize', (request) =>
  result(
    request,
    { protocolVersion: '2025-06-18', capabilities: OFFERS, serverInfo: { name: 'scripted', version: '7' } },
    { 'Mcp-Session-Id': 's1' },
  ),
)

export const discovery = on('server/discover', () => ({
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { ...OFFERS, tools: {}, prompts: {} },
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'scripted', version: '7' } },
}))

const OFFERS = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true }, logging: {} }
