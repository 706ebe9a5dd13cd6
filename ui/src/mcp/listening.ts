import { type ConnectionObserver, type ListName } from './connection'
import { BadAnswer, Cancelled, codes, type Failure, failureOf, RpcFailure } from './failure'
import { arrayOf, type JsonObject, objectOf } from './json'
import { type Id, isNotification, isResponse, type Message } from './message'
import { tellChange } from './notice'
import { Backoff, pause } from './pause'
import type { Incoming } from './wire'

/** What a stream of changes is to tell of. */
export interface Filter {
  lists: ListName[]
  uris: string[]
}

interface Parts {
  /** Opens a `subscriptions/listen` stream; says its request id as well. */
  open(params: JsonObject, signal: AbortSignal): Promise<{ id: Id; incoming: Incoming }>
  observer: ConnectionObserver
}

const MEMBERS: Record<ListName, string> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
}

/**
 * Changes of lists and resources of a modern server. A stream cannot be told to listen to something else, so a new one is opened
 * first, and the old one closed when the new one is acknowledged: nothing is missed in between.
 */
export class Listening {
  private readonly parts: Parts
  private current: AbortController | null = null
  private closed = false
  private last: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.parts = parts
  }

  /** Resolves with what the server has agreed to tell. */
  change(filter: Filter): Promise<Filter> {
    const turn = this.last.then(() => this.replace(filter))
    this.last = turn.catch(() => undefined)
    return turn
  }

  close() {
    this.closed = true
    this.current?.abort()
    this.current = null
  }

  private async replace(filter: Filter): Promise<Filter> {
    if (this.closed) throw new Cancelled()
    const next = new AbortController()
    const old = this.current
    try {
      const honoured = isEmpty(filter) ? filter : await this.acknowledged(filter, next)
      if (this.closed) throw new Cancelled()
      this.current = isEmpty(filter) ? null : next
      old?.abort()
      return honoured
    } catch (failure) {
      next.abort()
      throw failure
    }
  }

  private acknowledged(filter: Filter, stream: AbortController): Promise<Filter> {
    return new Promise((resolve, reject) => {
      this.keepUp(filter, stream.signal, resolve).then(() => reject(new Cancelled()), reject)
    })
  }

  /** Reads streams of changes until told to stop. The first has to work; later ones are opened as often as it takes. */
  private async keepUp(filter: Filter, signal: AbortSignal, onFirst: (honoured: Filter) => void) {
    const { observer } = this.parts
    const backoff = new Backoff()
    let opened = false
    while (!signal.aborted) {
      try {
        await this.read(filter, signal, (honoured) => {
          backoff.reset()
          observer.onStream?.('open')
          if (!opened) onFirst(honoured)
          // Nobody told what changed while there was no stream.
          else for (const list of honoured.lists) observer.onListChanged?.(list)
          opened = true
        })
      } catch (thrown) {
        const failure = failureOf(thrown)
        if (signal.aborted) return
        if (!opened) throw failure
        if (isFinal(failure)) {
          observer.onStream?.('none')
          return
        }
      }
      if (signal.aborted) return
      observer.onStream?.('broken')
      await pause(backoff.next(), signal)
    }
  }

  private async read(filter: Filter, signal: AbortSignal, onOpen: (honoured: Filter) => void) {
    const { id, incoming } = await this.parts.open({ notifications: wishOf(filter) }, signal)
    let open = false
    for await (const { message } of incoming.received) {
      if (!message) continue
      if (isEnd(message, id)) break
      if (!isNotification(message)) continue
      if (message.method === 'notifications/subscriptions/acknowledged') {
        open = true
        onOpen(honouredOf(objectOf(message.params)))
      } else tellChange(message, this.parts.observer)
    }
    if (!open) throw new BadAnswer('The server ended the stream of changes before it said what it tells.')
  }
}

function isEmpty({ lists, uris }: Filter): boolean {
  return lists.length === 0 && uris.length === 0
}

function wishOf({ lists, uris }: Filter): JsonObject {
  const members = Object.fromEntries(lists.map((list) => [MEMBERS[list], true]))
  return uris.length ? { ...members, resourceSubscriptions: uris } : members
}

function honouredOf(params: JsonObject): Filter {
  const notifications = objectOf(params.notifications)
  const lists = Object.keys(MEMBERS) as ListName[]
  return {
    lists: lists.filter((list) => notifications[MEMBERS[list]] === true),
    uris: arrayOf(notifications.resourceSubscriptions).filter((uri) => typeof uri === 'string'),
  }
}

/** Whether this is the end that the server gives to the stream itself. */
function isEnd(message: Message, id: Id): boolean {
  if (!isResponse(message) || (message.id ?? id) !== id) return false
  if (message.error) throw new RpcFailure(message.error, 200)
  return true
}

/** Whether the server has no such streams, as opposed to having none just now. */
function isFinal(failure: Failure): boolean {
  return failure.kind === 'rpc' && (failure.code === codes.methodNotFound || failure.code === codes.invalidParams)
}
