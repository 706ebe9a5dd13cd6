import type { Message } from './message'

/** One HTTP request and what came back on it, as it is so far. */
export interface Exchange {
  /** Counts up from 1 over all connections of the page. */
  id: number
  verb: 'POST' | 'GET' | 'DELETE'
  url: string
  /** The method of the message that was sent; null if none was. */
  method: string | null
  startedAt: number
  /** Null until the head of the answer is there. */
  status: number | null
  /** From sending to the answer; null while it is open. */
  durationMs: number | null
  session: string | null
  protocolVersion: string | null
  /** Why it did not come to its end. */
  failure: string | null
  messages: WireMessage[]
}

/** A message as it was on the wire. */
export interface WireMessage {
  direction: 'sent' | 'received'
  at: number
  /** As it was spelled: numbers keep all their digits. */
  text: string
  message: Message | null
}

export interface ExchangeObserver {
  onExchange?(exchange: Exchange): void
  onMessage?(message: WireMessage, exchange: Exchange): void
}

/** A stream that stays open for days must not keep everything it ever brought. */
const KEPT_MESSAGES = 200

let lastId = 0

/** Writes down one exchange, and hands every change on as a value of its own. */
export class Recorder {
  private exchange: Exchange
  private readonly observers: ExchangeObserver[]

  constructor(about: Pick<Exchange, 'verb' | 'url' | 'method' | 'session' | 'protocolVersion'>, observers: ExchangeObserver[]) {
    lastId += 1
    this.exchange = {
      ...about,
      id: lastId,
      startedAt: Date.now(),
      status: null,
      durationMs: null,
      failure: null,
      messages: [],
    }
    this.observers = observers
  }

  message(direction: WireMessage['direction'], text: string, message: Message | null) {
    const entry = { direction, at: Date.now(), text, message }
    this.change({ messages: [...this.exchange.messages, entry].slice(-KEPT_MESSAGES) })
    for (const observer of this.observers) observer.onMessage?.(entry, this.exchange)
  }

  head(status: number, session: string | null) {
    this.change({ status, session: session ?? this.exchange.session })
  }

  /** Once; what is said later does not count. */
  end(failure: string | null = null) {
    if (this.exchange.durationMs !== null) return
    this.change({ durationMs: Date.now() - this.exchange.startedAt, failure })
  }

  private change(changes: Partial<Exchange>) {
    this.exchange = { ...this.exchange, ...changes }
    for (const observer of this.observers) observer.onExchange?.(this.exchange)
  }
}
