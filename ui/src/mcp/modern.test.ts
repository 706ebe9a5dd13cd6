import { afterEach, describe, expect, test, vi } from 'vitest'
import { Client } from './client'
import type { ConnectionObserver } from './connection'
import { Refused } from './failure'
import type { Answer } from './question'
import { discovery, error, events, type Hit, on, type Script, scripted, stream, type Stream } from './scripted'

const META = 'io.modelcontextprotocol/'
const noAnswer: Answer = () => Promise.reject(new Error('nobody asked for this'))
const done = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }

afterEach(() => void vi.useRealTimers())

async function connect(rows: Script[], { answer = noAnswer, observer = {} }: { answer?: Answer; observer?: ConnectionObserver } = {}) {
  const server = scripted(...rows, discovery)
  const client = await Client.connect({ url: 'http://gateway/mcp', era: 'modern', answer, observer, fetch: server.fetch })
  return { server, client }
}

const call = (answer: Parameters<typeof on>[1]) => on('tools/call', answer)

describe('a request', () => {
  test('describes itself, in the body and in headers', async () => {
    const { server, client } = await connect([call(() => done)])
    await client.setLogLevel('warning')
    await client.callTool('grüße', { a: 1 }, { onProgress: () => undefined })
    expect(server.sent('tools/call')[0]?.params).toEqual({
      name: 'grüße',
      arguments: { a: 1 },
      _meta: {
        [`${META}protocolVersion`]: '2026-07-28',
        [`${META}clientCapabilities`]: { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } },
        [`${META}clientInfo`]: expect.objectContaining({ name: expect.any(String), version: expect.any(String) }),
        [`${META}logLevel`]: 'warning',
        progressToken: server.sent('tools/call')[0]?.id,
      },
    })
    const { headers } = server.hits.at(-1) as Hit
    expect(headers.get('mcp-protocol-version')).toBe('2026-07-28')
    expect(headers.get('mcp-method')).toBe('tools/call')
    expect(headers.get('mcp-name')).toBe('=?base64?Z3LDvMOfZQ==?=')
    expect(headers.has('mcp-session-id')).toBe(false)
  })

  test('repeats arguments in headers for tools that want it, and again when that has changed', async () => {
    const tool = (header: string) => ({
      name: 't',
      inputSchema: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': header } } },
    })
    let header = 'Town'
    const list = on('tools/list', () => ({ resultType: 'complete', tools: [tool(header)] }))
    const row = call((request, { headers }) =>
      headers.has('mcp-param-city') ? done : error(request, -32020, 'header mismatch', { status: 400 }),
    )
    const { client } = await connect([list, row])
    await client.listTools()
    header = 'City'
    expect(await client.callTool('t', { city: 'Rome' })).toEqual(done)
  })

  test('leaves tools out whose headers make no sense, and says why', async () => {
    const bad = { name: 'bad', inputSchema: { type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } } }
    const good = { name: 'good', inputSchema: { type: 'object' } }
    const { client } = await connect([on('tools/list', () => ({ resultType: 'complete', tools: [bad, good] }))])
    const { items, missing } = await client.listTools()
    expect(items.map(({ name }) => name)).toEqual(['good'])
    expect(missing).toEqual([{ name: 'bad', reason: expect.stringContaining('x-mcp-header') }])
  })

  test('is cancelled by closing its stream', async () => {
    let open!: Stream
    const { client, server } = await connect([call((_, hit) => (open = stream(hit)).response)])
    const stop = new AbortController()
    const call_ = client.callTool('slow', {}, { signal: stop.signal })
    await vi.waitFor(() => expect(open).toBeDefined())
    stop.abort()
    await expect(call_).rejects.toMatchObject({ kind: 'cancelled' })
    expect(open.closed()).toBe(true)
    expect(server.sent('notifications/cancelled')).toEqual([])
  })

  test('is not sent again when its stream breaks', async () => {
    const { client, server } = await connect([
      call(() => events({ method: 'notifications/progress', params: { progressToken: 2, progress: 1 } })),
    ])
    await expect(client.callTool('slow', {})).rejects.toMatchObject({ kind: 'answer' })
    expect(server.sent('tools/call')).toHaveLength(1)
  })

  test('with a result of a type that nobody asked for fails', async () => {
    const { client } = await connect([call(() => ({ resultType: 'task', taskId: '1' }))])
    await expect(client.callTool('slow', {})).rejects.toThrow('"task"')
  })
})

describe('discovery', () => {
  test('tells who is there', async () => {
    const { client } = await connect([])
    expect(client.server).toMatchObject({ name: 'scripted', protocolVersion: '2026-07-28', session: null })
  })

  test('fails at a server without this era', async () => {
    const other = on('server/discover', () => ({ supportedVersions: ['2025-11-25'], capabilities: {} }))
    await expect(connect([other])).rejects.toThrow('2025-11-25')
  })
})

describe('a server that asks', () => {
  const city = { method: 'elicitation/create', params: { message: 'Which city?' } }
  const street = { method: 'elicitation/create', params: { message: 'Which street?' } }

  test('gets the answers with the next request, and its state as it was', async () => {
    let round = 0
    const rows = call(() => {
      round += 1
      if (round === 1) return { resultType: 'input_required', inputRequests: { a: city, b: street }, requestState: ' opaque=é ' }
      if (round === 2) return { resultType: 'input_required', inputRequests: { c: city } }
      return done
    })
    const answer: Answer = ({ params }) => Promise.resolve({ action: 'accept', content: { said: params.message } })
    const { server, client } = await connect([rows], { answer })
    expect(await client.callTool('ask', { x: 1 })).toEqual(done)
    const [first, second, third] = server.sent('tools/call')
    expect(first?.params).not.toHaveProperty('inputResponses')
    expect(second?.params).toMatchObject({
      name: 'ask',
      arguments: { x: 1 },
      requestState: ' opaque=é ',
      inputResponses: {
        a: { action: 'accept', content: { said: 'Which city?' } },
        b: { action: 'accept', content: { said: 'Which street?' } },
      },
    })
    // Answers and state are those of one round.
    expect(Object.keys(third?.params?.inputResponses as object)).toEqual(['c'])
    expect(third?.params).not.toHaveProperty('requestState')
    expect(new Set([first?.id, second?.id, third?.id]).size).toBe(3)
  })

  test('and is refused does not hear again', async () => {
    const row = call(() => ({ resultType: 'input_required', inputRequests: { a: city, b: street } }))
    const asked: unknown[] = []
    const answer: Answer = ({ params }) => (asked.push(params.message), Promise.reject(new Refused()))
    const { server, client } = await connect([row], { answer })
    await expect(client.callTool('ask', {})).rejects.toEqual(expect.any(Refused))
    expect(server.sent('tools/call')).toHaveLength(1)
    expect(asked).toEqual(['Which city?'])
  })

  test('for nothing but patience gets it', async () => {
    vi.useFakeTimers()
    let round = 0
    const row = call(() => ((round += 1) < 3 ? { resultType: 'input_required', requestState: `s${round}` } : done))
    const { server, client } = await connect([row])
    const call_ = client.callTool('busy', {})
    await vi.advanceTimersByTimeAsync(400)
    expect(server.sent('tools/call')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2000)
    expect(await call_).toEqual(done)
    expect(server.sent('tools/call').at(-1)?.params).toMatchObject({ requestState: 's2' })
  })

  test('without end is given up on', async () => {
    const row = call(() => ({ resultType: 'input_required', inputRequests: { a: city } }))
    const { client } = await connect([row], { answer: () => Promise.resolve({ action: 'decline' }) })
    await expect(client.callTool('ask', {})).rejects.toThrow('asked')
  })
})

describe('changes', () => {
  const offers = { tools: { listChanged: true }, resources: { subscribe: true } }
  const told = on('server/discover', () => ({ supportedVersions: ['2026-07-28'], capabilities: offers }))

  /** Streams of changes in the order in which they are opened; each is acknowledged with what `honour` makes of the wish. */
  function listening(honour: (wish: Record<string, unknown>) => object) {
    const streams: Stream[] = []
    /** At each opening, whether the streams before were closed already. */
    const closedBefore: boolean[][] = []
    const row = on('subscriptions/listen', ({ id, params }, hit) => {
      closedBefore.push(streams.map((each) => each.closed()))
      const opened = stream(hit)
      const notifications = honour(params?.notifications as Record<string, unknown>)
      const _meta = { [`${META}subscriptionId`]: id }
      opened.send({ method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta } })
      streams.push(opened)
      return opened.response
    })
    return { row, streams, closedBefore }
  }

  test('are told of what was asked for, and an old stream is closed only when the new one is there', async () => {
    const { row, streams, closedBefore } = listening((wish) => wish)
    const changed: string[] = []
    const observer: ConnectionObserver = { onListChanged: (list) => changed.push(list), onResourceUpdated: (uri) => changed.push(uri) }
    const { server, client } = await connect([told, row], { observer })
    await vi.waitFor(() => expect(streams).toHaveLength(1))
    await client.subscribe('a://b')
    expect(server.sent('subscriptions/listen').map(({ params }) => params?.notifications)).toEqual([
      { toolsListChanged: true },
      { toolsListChanged: true, resourceSubscriptions: ['a://b'] },
    ])
    expect(closedBefore).toEqual([[], [false]])
    expect(streams.map((stream) => stream.closed())).toEqual([true, false])
    streams[1]?.send({ method: 'notifications/resources/updated', params: { uri: 'a://b' } })
    streams[1]?.send({ method: 'notifications/tools/list_changed' })
    await vi.waitFor(() => expect(changed).toEqual(['a://b', 'tools']))
    await client.unsubscribe('a://b')
    expect(server.sent('subscriptions/listen').at(-1)?.params?.notifications).toEqual({ toolsListChanged: true })
    await client.close()
    expect(streams.every((stream) => stream.closed())).toBe(true)
  })

  test('that the server does not tell of cannot be subscribed to', async () => {
    const { row } = listening(() => ({ toolsListChanged: true }))
    const { server, client } = await connect([told, row])
    await expect(client.subscribe('a://b')).rejects.toMatchObject({ kind: 'answer' })
    await client.subscribe('c://d').catch(() => undefined)
    expect(server.sent('subscriptions/listen').at(-1)?.params?.notifications).toEqual({ toolsListChanged: true })
  })

  test('may have been missed while there was no stream', async () => {
    vi.useFakeTimers()
    const { row, streams } = listening((wish) => wish)
    const changed: string[] = []
    const states: string[] = []
    await connect([told, row], { observer: { onListChanged: (list) => changed.push(list), onStream: (state) => states.push(state) } })
    await vi.advanceTimersByTimeAsync(1)
    streams[0]?.breakOff()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(states).toEqual(['open', 'broken', 'open'])
    expect(changed).toEqual(['tools'])
  })

  test('are not asked for at a server that tells of none', async () => {
    const { server } = await connect([])
    expect(server.sent('subscriptions/listen')).toEqual([])
  })
})
