import type { Exchange, WireMessage } from '../../mcp/exchange'
import { Store } from './store'

export interface LogRow extends WireMessage {
  id: number
  /** As it was then, but for its status and end. */
  exchange: Exchange
}

/** Older messages are forgotten: a stream that tells of every change would fill the tab. */
export const KEPT = 500

/** Everything that went over the wire, newest first. */
export class WireLog extends Store<{ rows: LogRow[]; forgotten: number }> {
  private lastId = 0

  constructor() {
    super({ rows: [], forgotten: 0 })
  }

  add(message: WireMessage, exchange: Exchange) {
    this.lastId += 1
    const { rows, forgotten } = this.get()
    const next = [{ ...message, id: this.lastId, exchange }, ...rows]
    this.set({ rows: next.slice(0, KEPT), forgotten: forgotten + Math.max(0, next.length - KEPT) })
  }

  clear() {
    this.set({ rows: [], forgotten: 0 })
  }
}
