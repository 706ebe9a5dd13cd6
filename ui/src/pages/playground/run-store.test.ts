import { expect, test } from 'vitest'
import { Cancelled, RpcFailure } from '../../mcp/failure'
import { isRunning, RunStore, shownRun } from './run-store'

test('a run tells how it goes, and what came of it', async () => {
  const store = new RunStore()
  const seen: unknown[] = []
  await store.start('tools/call', 'a', ({ onProgress, onLog }) => {
    onProgress?.({ progress: 1, total: 2, message: null })
    onLog?.({ at: 0, level: 'info', logger: null, data: 'x' })
    seen.push(store.get().runs[0])
    return Promise.resolve({ content: [] })
  })
  expect(seen).toMatchObject([{ durationMs: null, progress: { progress: 1 }, logs: [{ data: 'x' }] }])
  expect(store.get().runs).toMatchObject([
    { method: 'tools/call', item: 'a', result: { content: [] }, failure: null, durationMs: expect.any(Number) },
  ])
})

test('a run that fails tells why', async () => {
  const store = new RunStore()
  await store.start('tools/call', 'a', () => Promise.reject(new RpcFailure({ code: -32602, message: 'no' }, 200)))
  expect(store.get().runs[0]).toMatchObject({ result: null, failure: { kind: 'rpc', code: -32602 } })
})

test('cancelling reaches what is running, and so does the next run', async () => {
  const store = new RunStore()
  const waiting = (item: string) =>
    store.start(
      'tools/call',
      item,
      ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Cancelled()))),
    )
  const first = waiting('a')
  const second = waiting('b')
  await first
  store.cancel()
  await second
  expect(store.get().runs.map(({ item, failure }) => [item, failure?.kind])).toEqual([
    ['b', 'cancelled'],
    ['a', 'cancelled'],
  ])
})

test('what is shown of an item is a run that goes on, or its own last one', async () => {
  const store = new RunStore()
  const done = () => Promise.resolve({})
  await store.start('tools/call', 'a', done)
  await store.start('tools/call', 'b', done)
  await store.start('tools/call', 'a', done)
  const item = (name: string | null) => shownRun(store.get().runs, 'tools/call', name)?.id
  expect(store.get().runs).toHaveLength(2)
  expect([item('a'), item('b'), item('c'), item(null)]).toEqual([3, 2, undefined, undefined])
  expect(shownRun(store.get().runs, 'prompts/get', 'a')).toBeNull()
  void store.start('tools/call', 'c', () => new Promise(() => undefined))
  expect([item('a'), store.get().runs.some(isRunning)]).toEqual([4, true])
})
