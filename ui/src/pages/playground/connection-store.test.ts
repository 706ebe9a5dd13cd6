import { afterEach, expect, test, vi } from 'vitest'
import { handshake, on, type Script, type Scripted, scripted, stream } from '../../mcp/scripted'
import { ConnectionStore, type Destination } from './connection-store'
import type { Settings } from './settings-store'

const place: Destination = { route: 'r', url: 'http://gateway/mcp', era: 'legacy', allowed: true }
const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function storeAt(...rows: Script[]): { store: ConnectionStore; server: Scripted } {
  const server = scripted(
    ...rows,
    handshake,
    on('tools/list', () => ({ tools: [tool('a')] })),
    on('logging/setLevel', () => ({})),
  )
  vi.stubGlobal('fetch', server.fetch)
  const settings: Settings = { token: '', logLevel: 'warning', roots: [{ uri: 'file:///a' }, { uri: '' }] }
  return { store: new ConnectionStore(() => settings), server }
}

test('connecting finds out what there is, as the settings want it', async () => {
  const { store, server } = storeAt()
  const phases: string[] = []
  store.watch(() => phases.at(-1) !== store.get().phase && phases.push(store.get().phase))
  await store.connect(place)
  expect(phases.filter((phase) => phase !== 'idle')).toEqual(['connecting', 'ready'])
  expect(store.get().lists.tools.items.map(({ name }) => name)).toEqual(['a'])
  // What cannot be read does not keep from the rest.
  expect(Object.keys(store.get().listFailures)).toEqual(['prompts', 'resources', 'templates'])
  expect(server.sent('logging/setLevel')[0]?.params).toEqual({ level: 'warning' })
  expect(store.get().exchanges[0]).toMatchObject({ method: 'initialize', status: 200 })
})

test('a connection that is not wanted any more leaves nothing behind', async () => {
  let open!: () => void
  const late = on('initialize', async (request, hit) => {
    await new Promise<void>((resolve) => (open = resolve))
    return (await handshake({ ...hit, message: request })) ?? {}
  })
  const { store } = storeAt(late)
  const connecting = store.connect(place)
  await vi.waitFor(() => expect(open).toBeDefined())
  store.disconnect()
  open()
  await connecting
  expect(store.get()).toMatchObject({ phase: 'idle', failure: null, client: null })
})

test('a session that ends elsewhere ends the connection, and says why', async () => {
  const { store } = storeAt(on('tools/call', () => new Response(null, { status: 404 })))
  await store.connect(place)
  await store
    .get()
    .client?.callTool('a', {})
    .catch(() => undefined)
  expect(store.get()).toMatchObject({ phase: 'idle', failure: { kind: 'session' }, destination: place, client: null })
})

test('a failed attempt says why, and where', async () => {
  const { store } = storeAt(() => Promise.reject(new TypeError('Failed to fetch')))
  await store.connect(place)
  expect(store.get()).toMatchObject({ phase: 'idle', failure: { kind: 'unreachable' }, destination: place })
})

test('lists are read again when they change, once for many changes', async () => {
  const own = stream()
  let tools = [tool('a')]
  const { store, server } = storeAt(
    on('tools/list', () => ({ tools })),
    ({ verb }) => (verb === 'GET' ? own.response : undefined),
  )
  await store.connect(place)
  tools = [tool('a'), tool('b')]
  for (let many = 0; many < 5; many += 1) own.send({ method: 'notifications/tools/list_changed' })
  await vi.waitFor(() => expect(store.get().lists.tools.items).toHaveLength(2))
  expect(server.sent('tools/list')).toHaveLength(2)
})

test('questions are shown until they are answered; roots answer themselves', async () => {
  const own = stream()
  const { store, server } = storeAt(({ verb }) => (verb === 'GET' ? own.response : undefined))
  await store.connect(place)
  own.send({ id: 1, method: 'roots/list' })
  await vi.waitFor(() => expect(server.replies()).toEqual([{ jsonrpc: '2.0', id: 1, result: { roots: [{ uri: 'file:///a' }] } }]))
  own.send({ id: 2, method: 'elicitation/create', params: { mode: 'url', url: 'https://a.b', elicitationId: 'e' } })
  await vi.waitFor(() => expect(store.get().asked?.done).toBe(false))
  own.send({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e' } })
  await vi.waitFor(() => expect(store.get().asked?.done).toBe(true))
  store.get().asked?.resolve({ action: 'accept' })
  await vi.waitFor(() => expect(server.replies().at(-1)).toMatchObject({ id: 2, result: { action: 'accept' } }))
  expect(store.get().asked).toBeNull()
  own.send({ id: 3, method: 'sampling/createMessage', params: {} })
  await vi.waitFor(() => expect(store.get().asked).not.toBeNull())
  own.send({ method: 'notifications/cancelled', params: { requestId: 3 } })
  await vi.waitFor(() => expect(store.get().asked).toBeNull())
})
