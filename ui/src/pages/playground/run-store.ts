import type { LogEntry, Progress, RequestOptions } from '../../mcp/connection'
import type { Exchange } from '../../mcp/exchange'
import { type Failure, failureOf } from '../../mcp/failure'
import type { JsonObject } from '../../mcp/json'
import { Store } from './store'

export type RunMethod = 'tools/call' | 'prompts/get' | 'resources/read'

/** One request that a person made, as far as it has come. */
export interface Run {
  /** Counts up from 1. */
  id: number
  method: RunMethod
  /** The name or URI. */
  item: string
  startedAt: number
  /** Null while it is running. */
  durationMs: number | null
  result: JsonObject | null
  failure: Failure | null
  exchanges: Exchange[]
  progress: Progress | null
  logs: LogEntry[]
}

const KEPT_LOGS = 500
/** Results may be large; those of a few items are enough to go back and forth between. */
const KEPT_RUNS = 20

export function isRunning(run: Run): boolean {
  return run.durationMs === null
}

/** The last request for each item, newest first, and the way to make the next. One at a time: what is shown is what was asked. */
export class RunStore extends Store<{ runs: Run[] }> {
  private lastId = 0
  private stop: AbortController | null = null

  constructor() {
    super({ runs: [] })
  }

  async start(method: RunMethod, item: string, perform: (options: RequestOptions) => Promise<JsonObject>): Promise<void> {
    this.cancel()
    this.lastId += 1
    const id = this.lastId
    const stop = new AbortController()
    this.stop = stop
    const startedAt = Date.now()
    const run: Run = { id, method, item, startedAt, durationMs: null, result: null, failure: null, exchanges: [], progress: null, logs: [] }
    const others = this.get().runs.filter((each) => each.method !== method || each.item !== item)
    this.set({ runs: [run, ...others].slice(0, KEPT_RUNS) })
    const ended = (outcome: Partial<Run>) => this.change(id, () => ({ ...outcome, durationMs: Date.now() - startedAt }))
    try {
      const result = await perform({
        signal: stop.signal,
        onExchange: (exchange) => this.change(id, ({ exchanges }) => ({ exchanges: withExchange(exchanges, exchange) })),
        onProgress: (progress) => this.change(id, () => ({ progress })),
        onLog: (entry) => this.change(id, ({ logs }) => ({ logs: [...logs, entry].slice(-KEPT_LOGS) })),
      })
      ended({ result })
    } catch (thrown) {
      ended({ failure: failureOf(thrown) })
    }
  }

  cancel() {
    this.stop?.abort()
    this.stop = null
  }

  forget() {
    this.cancel()
    this.set({ runs: [] })
  }

  /** What a run that is not kept any more still brings is dropped. */
  private change(id: number, changes: (run: Run) => Partial<Run>) {
    this.set({ runs: this.get().runs.map((run) => (run.id === id ? { ...run, ...changes(run) } : run)) })
  }
}

/** What is to be seen of an item: a request that is running, whatever it is for, or the item's last one. */
export function shownRun(runs: Run[], method: RunMethod, item: string | null): Run | null {
  return (
    runs.find((run) => run.method === method && isRunning(run)) ?? runs.find((run) => run.method === method && run.item === item) ?? null
  )
}

export function withExchange(exchanges: Exchange[], exchange: Exchange): Exchange[] {
  const known = exchanges.some(({ id }) => id === exchange.id)
  return known ? exchanges.map((each) => (each.id === exchange.id ? exchange : each)) : [...exchanges, exchange]
}
