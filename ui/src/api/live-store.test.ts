import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LiveStore, merged } from './live-store'
import type { Calls, CallSummary, Session, Status } from './types'

/** As much of an EventSource as the store uses; the test says what comes. */
class Stream extends EventTarget {
  readyState = 0
  close = vi.fn()

  say(name: string, body: unknown) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(body) }))
  }

  open() {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  fail(readyState: 0 | 2) {
    this.readyState = readyState
    this.dispatchEvent(new Event('error'))
  }
}

const call = (id: number) => ({ id }) as CallSummary
const status = (startedAt: string, version = '1') => ({ startedAt, version }) as Status

let streams: Stream[]
let answers: { status: Status; sessions: Session[]; calls: Calls }
let store: LiveStore

beforeEach(() => {
  vi.useFakeTimers()
  streams = []
  answers = { status: status('then'), sessions: [], calls: { keep: 3, bodies: 0, calls: [call(2), call(1)] } }
  store = new LiveStore({
    open: () => {
      const stream = new Stream()
      streams.push(stream)
      return stream as unknown as EventSource
    },
    getStatus: () => Promise.resolve(answers.status),
    getSessions: () => Promise.resolve(answers.sessions),
    getCalls: () => Promise.resolve(answers.calls),
  })
  store.start()
})

afterEach(() => {
  store.stop()
  vi.useRealTimers()
})

const stream = () => streams.at(-1) as Stream
const ids = () => store.get().calls.map(({ id }) => id)
const settle = () => vi.advanceTimersByTimeAsync(0)

test('what was there before the stream is loaded when it opens', async () => {
  expect(store.get().connection).toBe('connecting')
  stream().open()
  await settle()
  expect(store.get()).toMatchObject({ connection: 'live', lostAt: null, status: { version: '1' }, sessions: [] })
  expect(ids()).toEqual([2, 1])
})

test('what the stream says stays when an older answer comes late', async () => {
  stream().open()
  stream().say('status', status('then', '2'))
  stream().say('sessions', { sessions: [{ id: 's' }] })
  await settle()
  expect(store.get()).toMatchObject({ status: { version: '2' }, sessions: [{ id: 's' }] })
})

test('calls come in batches, newest first, each once, as many as are kept', async () => {
  stream().open()
  await settle()
  const seen = vi.fn()
  store.watch(seen)
  for (const id of [3, 4, 4]) stream().say('call', call(id))
  expect(seen).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(ids()).toEqual([4, 3, 2])
  expect(seen).toHaveBeenCalledOnce()
})

test('a lost connection is marked from its first moment on, and what was known stays', async () => {
  vi.setSystemTime('2026-11-21T12:00:00Z')
  stream().open()
  await settle()
  stream().fail(0)
  vi.setSystemTime('2026-11-21T12:00:05Z')
  stream().fail(0)
  expect(store.get()).toMatchObject({ connection: 'lost', lostAt: '2026-11-21T12:00:00.000Z', status: { version: '1' } })
  stream().open()
  expect(store.get()).toMatchObject({ connection: 'live', lostAt: null })
})

test('a stream that the browser gave up is opened again', async () => {
  stream().fail(2)
  expect(streams).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(3000)
  expect(streams).toHaveLength(2)
  expect(streams[0]?.close).toHaveBeenCalled()
})

test('a stream that the browser takes up again by itself is left to it', async () => {
  stream().fail(0)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(streams).toHaveLength(1)
})

test('calls of a gateway that has started again do not stand among those of its predecessor', async () => {
  stream().open()
  await settle()
  answers = { status: status('later'), sessions: [], calls: { keep: 3, bodies: 0, calls: [call(1)] } }
  stream().fail(0)
  stream().open()
  await settle()
  expect(ids()).toEqual([1])
})

test('after it was stopped no timer is left', async () => {
  stream().say('call', call(9))
  stream().fail(2)
  store.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(streams).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('merging keeps order and ceiling', () => {
  expect(merged([call(5), call(3)], [call(4), call(3)], 2).map(({ id }) => id)).toEqual([5, 4])
  expect(merged([call(1)], [], 0)).toEqual([])
})
