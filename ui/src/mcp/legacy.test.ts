import { afterEach, describe, expect, test, vi } from 'vitest'
import { Client } from './client'
import type { ConnectionObserver } from './connection'
import { HttpFailure, Refused, RpcFailure, SessionEnded, Unreachable } from './failure'
import type { Answer } from './question'
import { error, events, handshake, json, on, type Script, type Scripted, scripted, stream, type Stream } from './scripted'

const noAnswer: Answer = () => Promise.reject(new Error('nobody asked for this'))
const accept: Answer = () => Promise.resolve({ action: 'accept', content: { city: 'Rome' } })

afterEach(() => void vi.useRealTimers())

async function connect(rows: Script[], { answer = noAnswer, observer = {} }: { answer?: Answer; observer?: ConnectionObserver } = {}) {
  const server = scripted(...rows, handshake)
  const client = await Client.connect({ url: 'http://gateway/mcp', era: 'legacy', answer, observer, fetch: server.fetch })
  return { server, client }
}

const call = (answer: Parameters<typeof on>[1]) => on('tools/call', answer)
const done = { content: [{ type: 'text', text: 'done' }] }

/** A call that streams, and the stream that it gets. */
function streaming(): { row: Script; opened: Promise<{ stream: Stream; id: number }> } {
  let open!: (value: { stream: Stream; id: number }) => void
  const opened = new Promise<{ stream: Stream; id: number }>((resolve) => (open = resolve))
  const row = call(({ id }, hit) => {
    const answer = stream(hit)
    open({ stream: answer, id: Number(id) })
    return answer.response
  })
  return { row, opened }
}

describe('handshake', () => {
  test('declares what a person can be asked, and goes on in the version that was agreed on', async () => {
    const { server, client } = await connect([call(() => done)])
    expect(server.sent('initialize')[0]?.params).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: { roots: { listChanged: true }, sampling: { tools: {} }, elicitation: { form: {}, url: {} } },
    })
    expect(client.server).toMatchObject({ name: 'scripted', version: '7', protocolVersion: '2025-06-18', session: 's1' })
    await client.callTool('echo', {})
    const [first, ...later] = server.hits
    expect(first?.headers.has('mcp-session-id')).toBe(false)
    expect(later.map(({ headers }) => [headers.get('mcp-session-id'), headers.get('mcp-protocol-version')])).toEqual(
      later.map(() => ['s1', '2025-06-18']),
    )
    expect(server.sent('notifications/initialized')).toHaveLength(1)
  })

  test('a token goes with every request', async () => {
    const server = scripted(handshake)
    const client = await Client.connect({
      url: 'http://gateway/mcp',
      era: 'legacy',
      token: 'secret',
      answer: noAnswer,
      fetch: server.fetch,
    })
    await client.close()
    expect(new Set(server.hits.map(({ headers }) => headers.get('authorization')))).toEqual(new Set(['Bearer secret']))
  })

  test('ends the session at the end, in a way that outlives the page', async () => {
    const { server, client } = await connect([])
    await client.close()
    await client.close()
    const ends = server.hits.filter(({ verb }) => verb === 'DELETE')
    expect(ends.map(({ headers, keepalive }) => [headers.get('mcp-session-id'), keepalive])).toEqual([['s1', true]])
  })
})

describe('a call', () => {
  test('takes its result from a stream, with progress and log messages on the way', async () => {
    const seen: unknown[] = []
    const logged = vi.fn()
    const row = call(({ id, params }) =>
      events(
        {
          method: 'notifications/progress',
          params: { progressToken: (params?._meta as { progressToken: number }).progressToken, progress: 1, total: 2 },
        },
        { method: 'notifications/message', params: { level: 'warning', logger: 'l', data: { a: 1 } } },
        { method: 'notifications/progress', params: { progressToken: 'of somebody else', progress: 9 } },
        { id, result: done },
      ),
    )
    const { client } = await connect([row], { observer: { onLog: logged } })
    const result = await client.callTool('slow', {}, { onProgress: (step) => seen.push(step), onLog: (entry) => seen.push(entry) })
    expect(result).toEqual(done)
    expect(seen).toEqual([
      { progress: 1, total: 2, message: null },
      { at: expect.any(Number), level: 'warning', logger: 'l', data: { a: 1 } },
    ])
    expect(logged).toHaveBeenCalledOnce()
  })

  test('tells JSON-RPC errors, HTTP errors and no answer apart', async () => {
    let answer: (request: Parameters<typeof error>[0]) => Response = () => new Response()
    const { client } = await connect([call((request) => answer(request))])
    const fails = () => client.callTool('echo', {}).catch((failure: unknown) => failure)

    answer = (request) => error(request, -32602, 'Unknown tool', { data: { name: 'echo' } })
    expect(await fails()).toMatchObject({ kind: 'rpc', code: -32602, status: 200, data: { name: 'echo' } })
    answer = (request) => error(request, -32600, 'No', { status: 400 })
    expect(await fails()).toEqual(expect.any(RpcFailure))
    answer = () => new Response('<h1>Forbidden</h1>', { status: 403 })
    expect(await fails()).toMatchObject({ kind: 'http', status: 403 })
    expect(await fails()).toEqual(expect.any(HttpFailure))
    answer = () => {
      throw new TypeError('Failed to fetch')
    }
    expect(await fails()).toEqual(expect.any(Unreachable))
    answer = () => json({ hello: 'world' })
    expect(await fails()).toMatchObject({ kind: 'answer', body: '{"hello":"world"}' })
  })

  test('reports its exchange: status, session, version, and the messages as they were spelled', async () => {
    const spelled = '{"jsonrpc":"2.0","id":2,"result":{"content":[],"structuredContent":{"n":1.0}}}'
    const { client } = await connect([call(() => new Response(spelled, { headers: { 'Content-Type': 'application/json' } }))])
    const seen: unknown[] = []
    await client.callTool('echo', { a: 1 }, { onExchange: (exchange) => seen.push(exchange) })
    expect(seen.at(-1)).toMatchObject({
      verb: 'POST',
      method: 'tools/call',
      status: 200,
      session: 's1',
      protocolVersion: '2025-06-18',
      durationMs: expect.any(Number),
      failure: null,
      messages: [{ direction: 'sent' }, { direction: 'received', text: spelled }],
    })
  })

  test('is cancelled by a notification, and does not wait for anything more', async () => {
    const { row, opened } = streaming()
    const { server, client } = await connect([row])
    const stop = new AbortController()
    const call = client.callTool('slow', {}, { signal: stop.signal })
    const { id, stream } = await opened
    stop.abort()
    await expect(call).rejects.toMatchObject({ kind: 'cancelled' })
    await vi.waitFor(() => expect(server.sent('notifications/cancelled')[0]?.params).toMatchObject({ requestId: id }))
    expect(stream.closed()).toBe(true)
  })

  test('takes a broken stream up where it broke', async () => {
    vi.useFakeTimers()
    const { row, opened } = streaming()
    let gets = 0
    const resumed: Script = ({ verb, headers }) => {
      if (verb !== 'GET' || !headers.has('last-event-id')) return undefined
      gets += 1
      // The gateway is not back yet at the first attempt.
      return gets === 1 ? new Response(null, { status: 503 }) : events({ id: 2, result: done })
    }
    const { server, client } = await connect([row, resumed])
    const call = client.callTool('slow', {})
    const { stream } = await opened
    stream.raw('id: e1\nretry: 20\ndata:\n\n')
    stream.send({ method: 'notifications/message', params: { level: 'info', data: 'x' } }, 'e2')
    await vi.advanceTimersByTimeAsync(1)
    const attempts = () => server.hits.filter(({ headers }) => headers.get('last-event-id') === 'e2')
    stream.breakOff()
    // The server said how long to wait.
    await vi.advanceTimersByTimeAsync(15)
    expect(attempts()).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(100)
    expect(await call).toEqual(done)
    expect(attempts()).toHaveLength(2)
  })

  test('whose stream ends without a result or an id fails', async () => {
    const { client } = await connect([call(() => events())])
    await expect(client.callTool('echo', {})).rejects.toMatchObject({ kind: 'answer' })
  })

  test('of a session that is gone says so, once', async () => {
    const ended = vi.fn()
    const gone = call(() => new Response(null, { status: 404 }))
    const { client } = await connect([gone], { observer: { onEnded: ended } })
    await expect(client.callTool('echo', {})).rejects.toEqual(expect.any(SessionEnded))
    expect(ended).toHaveBeenCalledOnce()
  })

  test('is made again after the pages that it needs were visited', async () => {
    let calls = 0
    const elicitations = [{ mode: 'url', url: 'https://example.com/in', elicitationId: 'e', message: 'Sign in' }]
    const row = call((request) => {
      calls += 1
      return calls === 1 ? error(request, -32042, 'Sign in first', { data: { elicitations } }) : done
    })
    const asked: unknown[] = []
    const { client } = await connect([row], {
      answer: ({ method, params }) => (asked.push([method, params]), Promise.resolve({ action: 'accept' })),
    })
    expect(await client.callTool('mail', {})).toEqual(done)
    expect(asked).toEqual([['elicitation/create', elicitations[0]]])
  })
})

describe('a question of the server', () => {
  /** Makes a call during which the server asks these questions; ends the call once all replies are there. */
  async function asking(answer: Answer, questions: object[], replies = questions.length): Promise<Scripted> {
    const { row, opened } = streaming()
    const { server, client } = await connect([row], { answer })
    const call = client.callTool('ask', {})
    const { stream, id } = await opened
    for (const question of questions) stream.send(question)
    await vi.waitFor(() => expect(server.replies()).toHaveLength(replies))
    stream.send({ id, result: done })
    await call
    return server
  }

  const elicit = (id: number | string) => ({ id, method: 'elicitation/create', params: { message: `Question ${id}` } })

  test('is answered under its id', async () => {
    const server = await asking(accept, [elicit('q')])
    expect(server.replies()).toEqual([{ jsonrpc: '2.0', id: 'q', result: { action: 'accept', content: { city: 'Rome' } } }])
  })

  test('that is refused gets the error for that', async () => {
    const server = await asking(() => Promise.reject(new Refused()), [{ id: 1, method: 'sampling/createMessage', params: {} }])
    expect(server.replies()).toMatchObject([{ id: 1, error: { code: -1 } }])
  })

  test('that nobody knows gets the error for that', async () => {
    const server = await asking(accept, [{ id: 1, method: 'tasks/get', params: {} }])
    expect(server.replies()).toMatchObject([{ id: 1, error: { code: -32601 } }])
  })

  test('waits for its turn, except for pings and roots', async () => {
    const open: string[] = []
    let most = 0
    const answer: Answer = async ({ method, params }) => {
      if (method === 'roots/list') return { roots: [] }
      open.push(String(params.message))
      most = Math.max(most, open.length)
      await new Promise((resolve) => setTimeout(resolve, 5))
      open.pop()
      return { action: 'decline' }
    }
    const server = await asking(answer, [elicit(1), elicit(2), { id: 3, method: 'roots/list' }, { id: 4, method: 'ping' }])
    expect(most).toBe(1)
    expect(server.replies().map(({ id }) => id)).toEqual([3, 4, 1, 2])
  })

  test('that is taken back is not answered, and lets the next one be asked', async () => {
    const taken: unknown[] = []
    const answer: Answer = ({ params, signal }) => {
      if (params.message === 'Question 2') return Promise.resolve({ action: 'decline' })
      signal.addEventListener('abort', () => taken.push(params.message))
      return new Promise(() => undefined)
    }
    const back = { method: 'notifications/cancelled', params: { requestId: 1 } }
    const server = await asking(answer, [elicit(1), elicit(2), back], 1)
    expect(server.replies()).toMatchObject([{ id: 2, result: { action: 'decline' } }])
    expect(taken).toEqual(['Question 1'])
  })
})

describe('the stream of the session', () => {
  test('tells what changed, and asks', async () => {
    const own = stream()
    const changed: string[] = []
    const observer: ConnectionObserver = {
      onListChanged: (list) => changed.push(list),
      onResourceUpdated: (uri) => changed.push(uri),
      onUrlDone: (id) => changed.push(id),
    }
    const { server } = await connect([({ verb }) => (verb === 'GET' ? own.response : undefined)], { answer: accept, observer })
    own.send({ method: 'notifications/tools/list_changed' })
    own.send({ method: 'notifications/resources/updated', params: { uri: 'a://b' } })
    own.send({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e' } })
    own.send({ id: 9, method: 'elicitation/create', params: {} })
    await vi.waitFor(() => expect(server.replies()).toHaveLength(1))
    expect(changed).toEqual(['tools', 'a://b', 'e'])
  })

  test('is opened again after it broke, and not where there is none', async () => {
    vi.useFakeTimers()
    const states: string[] = []
    const first = stream()
    const rows = [first.response, new Response(null, { status: 405 })]
    const { server } = await connect([({ verb }) => (verb === 'GET' ? rows.shift() : undefined)], {
      observer: { onStream: (state) => states.push(state) },
    })
    await vi.advanceTimersByTimeAsync(1)
    first.send({ method: 'notifications/tools/list_changed' }, 'e5')
    await vi.advanceTimersByTimeAsync(1)
    first.breakOff()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states).toEqual(['open', 'broken', 'none'])
    const gets = server.hits.filter(({ verb }) => verb === 'GET')
    expect(gets.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, 'e5'])
  })
})
