import { Client, type Listed } from '../../mcp/client'
import type { Era, ListName, StreamState } from '../../mcp/connection'
import type { Exchange } from '../../mcp/exchange'
import { type Failure, failureOf } from '../../mcp/failure'
import { textOf } from '../../mcp/json'
import type { Answer } from '../../mcp/question'
import type { Prompt, Resource, ResourceTemplate, Root, Tool } from '../../mcp/types'
import { ask, type Asked } from './asked'
import { withExchange } from './run-store'
import type { Settings } from './settings-store'
import { Store } from './store'
import { WireLog } from './wire-log'

export interface Destination {
  /** Route.key */
  route: string
  url: string
  era: Era
  /** Whether the route let this page in when it was tried. */
  allowed: boolean
}

export interface Lists {
  tools: Listed<Tool>
  prompts: Listed<Prompt>
  resources: Listed<Resource>
  templates: Listed<ResourceTemplate>
}

export interface ConnectionView {
  phase: 'idle' | 'connecting' | 'ready'
  destination: Destination | null
  /** Why the last attempt came to nothing, or why the connection is over. */
  failure: Failure | null
  client: Client | null
  lists: Lists
  /** Lists that could not be read, and why. */
  listFailures: Partial<Record<keyof Lists, Failure>>
  /** Of the handshake and the first lists. */
  exchanges: Exchange[]
  stream: StreamState | null
  asked: Asked | null
  subscribed: string[]
  updates: Record<string, Update>
}

/** How often a resource has changed since it is watched. */
export interface Update {
  count: number
  at: number
}

const nothing = { items: [], missing: [] }
const EMPTY: ConnectionView = {
  phase: 'idle',
  destination: null,
  failure: null,
  client: null,
  lists: { tools: nothing, prompts: nothing, resources: nothing, templates: nothing },
  listFailures: {},
  exchanges: [],
  stream: null,
  asked: null,
  subscribed: [],
  updates: {},
}

/** What a change of a list makes worth reading again. */
const CHANGED: Record<ListName, (keyof Lists)[]> = { tools: ['tools'], prompts: ['prompts'], resources: ['resources', 'templates'] }
/** Servers that change a lot say so for every single change. */
const SETTLE_MS = 250

/** The connection of the playground: what it is to, what was found there, and what is asked of the person. */
export class ConnectionStore extends Store<ConnectionView> {
  readonly log = new WireLog()
  private readonly settings: () => Settings
  private attempt: AbortController | null = null
  private rereading = new Map<ListName, ReturnType<typeof setTimeout>>()

  constructor(settings: () => Settings) {
    super(EMPTY)
    this.settings = settings
  }

  async connect(destination: Destination): Promise<void> {
    this.disconnect()
    const attempt = new AbortController()
    this.attempt = attempt
    this.set({ phase: 'connecting', destination })
    /** Whether this is still the connection that is wanted. */
    const current = () => this.attempt === attempt
    const { token, logLevel } = this.settings()
    try {
      const client = await Client.connect({
        ...{ url: destination.url, era: destination.era, token: token || undefined, signal: attempt.signal, answer: this.answer },
        observer: {
          onExchange: (exchange) => {
            if (current() && this.get().phase === 'connecting') this.set({ exchanges: withExchange(this.get().exchanges, exchange) })
          },
          onMessage: (message, exchange) => this.log.add(message, exchange),
          onStream: (stream) => current() && this.set({ stream }),
          onListChanged: (list) => current() && this.rereadSoon(list),
          onResourceUpdated: (uri) => current() && this.countUpdate(uri),
          onUrlDone: (elicitationId) => this.urlDone(elicitationId),
          onEnded: (failure) => current() && this.end(failure),
        },
      })
      if (!current()) return void client.close()
      this.set({ client })
      if (logLevel !== null && client.server.capabilities.logging !== undefined) await client.setLogLevel(logLevel).catch(() => undefined)
      await Promise.all((Object.keys(EMPTY.lists) as (keyof Lists)[]).map((list) => this.read(client, list)))
      if (current()) this.set({ phase: 'ready' })
    } catch (thrown) {
      if (current()) this.end(failureOf(thrown))
    }
  }

  /** The person wants to be elsewhere, or nowhere. */
  disconnect() {
    const { client } = this.get()
    this.attempt?.abort()
    this.attempt = null
    for (const timer of this.rereading.values()) clearTimeout(timer)
    this.rereading.clear()
    this.set(EMPTY)
    void client?.close()
  }

  /** The other side wants it no more. What was found stays forgotten: it may not be there any more. */
  private end(failure: Failure) {
    const { destination } = this.get()
    this.disconnect()
    this.set({ destination, failure: failure.kind === 'cancelled' ? null : failure })
  }

  async subscribe(uri: string) {
    await this.get().client?.subscribe(uri)
    this.set({ subscribed: [...this.get().subscribed.filter((each) => each !== uri), uri] })
  }

  async unsubscribe(uri: string) {
    await this.get().client?.unsubscribe(uri)
    this.set({ subscribed: this.get().subscribed.filter((each) => each !== uri) })
  }

  private answer: Answer = (question) => {
    if (question.method === 'roots/list') return Promise.resolve({ roots: this.settings().roots.filter(isFilledIn) })
    return ask(question, (asked) => this.set({ asked }))
  }

  private urlDone(elicitationId: string) {
    const { asked } = this.get()
    if (asked && textOf(asked.question.params.elicitationId) === elicitationId) this.set({ asked: { ...asked, done: true } })
  }

  private async read(client: Client, list: keyof Lists) {
    const readers = {
      tools: () => client.listTools(),
      prompts: () => client.listPrompts(),
      resources: () => client.listResources(),
      templates: () => client.listTemplates(),
    }
    try {
      const listed = await readers[list]()
      if (this.get().client !== client) return
      const { [list]: _, ...others } = this.get().listFailures
      this.set({ lists: { ...this.get().lists, [list]: listed }, listFailures: others })
    } catch (thrown) {
      if (this.get().client === client) this.set({ listFailures: { ...this.get().listFailures, [list]: failureOf(thrown) } })
    }
  }

  private rereadSoon(list: ListName) {
    clearTimeout(this.rereading.get(list))
    const timer = setTimeout(() => {
      const { client } = this.get()
      if (client) for (const each of CHANGED[list]) void this.read(client, each)
    }, SETTLE_MS)
    this.rereading.set(list, timer)
  }

  private countUpdate(uri: string) {
    const { updates } = this.get()
    this.set({ updates: { ...updates, [uri]: { count: (updates[uri]?.count ?? 0) + 1, at: Date.now() } } })
  }
}

function isFilledIn({ uri }: Root): boolean {
  return uri !== ''
}
