import { describe, expect, test } from 'vitest'
import { Client } from './client'
import { error, handshake, on, result, type Script, scripted } from './scripted'

async function connect(...rows: Script[]) {
  const server = scripted(...rows, handshake)
  const answer = () => Promise.reject(new Error('nobody asked for this'))
  return { server, client: await Client.connect({ url: 'http://gateway/mcp', era: 'legacy', answer, fetch: server.fetch }) }
}

const tools = (...names: string[]) => names.map((name) => ({ name, inputSchema: { type: 'object' } }))

describe('a list', () => {
  test('is read to its last page, in order', async () => {
    const pages: Record<string, object> = {
      first: { tools: tools('a', 'b'), nextCursor: '' },
      '': { tools: tools('c'), nextCursor: 'x' },
      x: { tools: tools('d') },
    }
    const { client } = await connect(on('tools/list', ({ params }) => pages[String(params?.cursor ?? 'first')] ?? {}))
    const { items } = await client.listTools()
    expect(items.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that does not end is given up on', async () => {
    const { client } = await connect(on('tools/list', () => ({ tools: tools('a'), nextCursor: 'x' })))
    await expect(client.listTools()).rejects.toThrow('does not end')
  })

  test('names the targets that are missing in it', async () => {
    const _meta = {
      'agentgateway.dev/missingTargets': [
        { name: 'time', status: 'failing', reason: 'exited' },
        { name: 'b', status: 'starting' },
      ],
    }
    const { client } = await connect(on('tools/list', () => ({ tools: [], _meta })))
    expect((await client.listTools()).missing).toEqual([
      { name: 'time', reason: 'exited' },
      { name: 'b', reason: 'starting' },
    ])
  })

  test('of what the server does not offer is empty, and not asked for', async () => {
    const bare = on('initialize', (request) =>
      result(request, { protocolVersion: '2025-11-25', capabilities: { resources: {} }, serverInfo: {} }),
    )
    const { server, client } = await connect(
      bare,
      on('resources/templates/list', (request) => error(request, -32601, 'Method not found')),
    )
    expect(await client.listTools()).toEqual({ items: [], missing: [] })
    expect(await client.listTemplates()).toEqual({ items: [], missing: [] })
    expect(server.sent('tools/list')).toEqual([])
  })

  test('leaves out what has no name', async () => {
    const { client } = await connect(on('tools/list', () => ({ tools: [{ title: 'nameless' }, 7, ...tools('a')] })))
    expect((await client.listTools()).items.map(({ name }) => name)).toEqual(['a'])
  })
})

test('completion says what is filled in already', async () => {
  const { server, client } = await connect(on('completion/complete', () => ({ completion: { values: ['Rome', 7], hasMore: true } })))
  const ref = { type: 'ref/prompt', name: 'p' } as const
  expect(await client.complete(ref, { name: 'city', value: 'R' }, { country: 'it' })).toEqual({
    values: ['Rome'],
    total: null,
    hasMore: true,
  })
  await client.complete(ref, { name: 'city', value: '' }, {})
  expect(server.sent('completion/complete').map(({ params }) => params)).toEqual([
    { ref, argument: { name: 'city', value: 'R' }, context: { arguments: { country: 'it' } } },
    { ref, argument: { name: 'city', value: '' } },
  ])
})
