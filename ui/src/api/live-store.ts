import { getCalls, getSessions, getStatus } from './client'
import type { CallSummary, Session, Status } from './types'

export type Connection = 'connecting' | 'live' | 'lost'

/** What the gateway says of itself, as of now. What was known stays when the connection is lost. */
export interface Live {
  connection: Connection
  /** When the connection was lost; null while it is there. */
  lostAt: string | null
  status: Status | null
  sessions: Session[] | null
  /** Newest first. */
  calls: CallSummary[]
}

/** What the store needs of the world, so that a test can stand in for it. */
export interface Sources {
  open(): EventSource
  getStatus: typeof getStatus
  getSessions: typeof getSessions
  getCalls: typeof getCalls
}

const ofTheBrowser: Sources = {
  open: () => new EventSource(`/api/events?origin=${encodeURIComponent(location.origin)}`),
  getStatus,
  getSessions,
  getCalls,
}

/** Between two looks at the calls that came in: more often than this nobody can read, and a busy gateway has thousands. */
const BATCH_MS = 150
/** An EventSource comes back by itself from a broken connection, but not from an answer that is an error. */
const RETRY_MS = 2000
/** Until the gateway has said how many it keeps. */
const KEEP = 500

/** One event stream for the whole page. */
export class LiveStore {
  private live: Live = { connection: 'connecting', lostAt: null, status: null, sessions: null, calls: [] }
  private readonly watchers = new Set<() => void>()
  private stream: EventSource | null = null
  private retry: ReturnType<typeof setTimeout> | undefined
  private batch: ReturnType<typeof setTimeout> | undefined
  private waiting: CallSummary[] = []
  private keep = KEEP
  private readonly sources: Sources

  constructor(sources: Sources = ofTheBrowser) {
    this.sources = sources
  }

  get = (): Live => this.live

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  start() {
    const stream = this.sources.open()
    this.stream = stream
    stream.addEventListener('open', () => {
      this.set({ connection: 'live', lostAt: null })
      void this.load(stream)
    })
    stream.addEventListener('error', () => {
      const { connection, lostAt } = this.live
      this.set({ connection: 'lost', lostAt: connection === 'lost' ? lostAt : new Date().toISOString() })
      if (stream.readyState === 2) this.startLater()
    })
    stream.addEventListener('status', (event) => this.takeStatus(bodyOf<Status>(event)))
    stream.addEventListener('sessions', (event) => this.set({ sessions: bodyOf<{ sessions: Session[] }>(event).sessions }))
    stream.addEventListener('call', (event) => this.add(bodyOf<CallSummary>(event)))
  }

  stop() {
    clearTimeout(this.retry)
    clearTimeout(this.batch)
    this.batch = undefined
    this.stream?.close()
    this.stream = null
  }

  private startLater() {
    clearTimeout(this.retry)
    this.retry = setTimeout(() => {
      this.stream?.close()
      this.start()
    }, RETRY_MS)
  }

  /** What was there before the stream began. What the stream has said meanwhile is newer and stays. */
  private async load(stream: EventSource) {
    const before = this.live
    const take = async <T>(asked: Promise<T>, then: (answer: T) => void) => {
      const answer = await asked.catch(() => null)
      if (answer !== null && this.stream === stream) then(answer)
    }
    await take(this.sources.getStatus(), (status) => this.live.status === before.status && this.takeStatus(status))
    await Promise.all([
      take(this.sources.getSessions(), (sessions) => this.live.sessions === before.sessions && this.set({ sessions })),
      take(this.sources.getCalls(), ({ keep, calls }) => {
        this.keep = keep
        this.set({ calls: merged(this.live.calls, calls, keep) })
      }),
    ])
  }

  /** A gateway that started again counts its calls from 1: those of its predecessor cannot stand beside them. */
  private takeStatus(status: Status) {
    const known = this.live.status
    const calls = known !== null && known.startedAt !== status.startedAt ? [] : this.live.calls
    this.set({ status, calls })
  }

  private add(call: CallSummary) {
    this.waiting.push(call)
    this.batch ??= setTimeout(() => {
      this.batch = undefined
      const came = this.waiting
      this.waiting = []
      this.set({ calls: merged(came, this.live.calls, this.keep) })
    }, BATCH_MS)
  }

  private set(change: Partial<Live>) {
    this.live = { ...this.live, ...change }
    for (const watcher of this.watchers) watcher()
  }
}

function bodyOf<T>(event: Event): T {
  return JSON.parse((event as MessageEvent<string>).data) as T
}

/** Both, newest first, each once, at most `keep`. */
export function merged(some: CallSummary[], others: CallSummary[], keep: number): CallSummary[] {
  const all = new Map([...others, ...some].map((call) => [call.id, call]))
  return [...all.values()].sort((a, b) => b.id - a.id).slice(0, keep)
}
