import type { Connection, ConnectionObserver, Era, McpLogLevel, RequestOptions, ServerFacts } from './connection'
import { BadAnswer, codes, RpcFailure } from './failure'
import { mirroredHeaders, mirrorOf } from './header'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from './json'
import { LegacyConnection } from './legacy'
import { ModernConnection } from './modern'
import { type Answer, Questions } from './question'
import {
  type Completion,
  type Prompt,
  promptOf,
  type Resource,
  resourceOf,
  type ResourceTemplate,
  templateOf,
  type Tool,
  toolOf,
} from './types'
import { Wire } from './wire'

export interface ClientSettings {
  url: string
  era: Era
  /** Kept in memory only. */
  token?: string | undefined
  /** Answers what the server asks: a person, or for roots a list. */
  answer: Answer
  observer?: ConnectionObserver
  signal?: AbortSignal
  /** For tests. */
  fetch?: typeof fetch
}

/** A list of a server, whole. */
export interface Listed<Item> {
  items: Item[]
  /** What is not in it, and why. */
  missing: Missing[]
}

export interface Missing {
  name: string
  reason: string
}

export type CompletionRef = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }

const MOST_PAGES = 1000
/** The gateway says here which targets its lists lack. */
const MISSING_TARGETS = 'agentgateway.dev/missingTargets'

/** An MCP client: connects to one endpoint in one era, and knows what can be asked there. */
export class Client {
  private readonly connection: Connection
  /** As last listed: what arguments are mirrored in headers is in the schemas. */
  private schemas = new Map<string, JsonObject>()

  private constructor(connection: Connection) {
    this.connection = connection
  }

  static async connect({ url, era, token, answer, observer = {}, signal, fetch }: ClientSettings): Promise<Client> {
    const parts = { wire: new Wire({ url, token, fetch, observer }), questions: new Questions(answer), observer }
    const open = era === 'legacy' ? LegacyConnection.open : ModernConnection.open
    return new Client(await open(parts, signal))
  }

  get era(): Era {
    return this.connection.era
  }

  get server(): ServerFacts {
    return this.connection.server
  }

  async listTools(options?: RequestOptions): Promise<Listed<Tool>> {
    const { items, missing } = await this.list('tools', toolOf, options)
    this.schemas = new Map(items.map((tool) => [tool.name, tool.inputSchema]))
    if (this.era === 'legacy') return { items, missing }
    // A tool whose annotations cannot be followed must not be offered (2026-07-28, server/tools).
    const faults = items.flatMap(({ name, inputSchema }) => {
      const { fault } = mirrorOf(inputSchema)
      return fault === null ? [] : [{ name, reason: `it cannot be called: ${fault}` }]
    })
    const faulty = new Set(faults.map(({ name }) => name))
    return { items: items.filter(({ name }) => !faulty.has(name)), missing: [...missing, ...faults] }
  }

  listPrompts(options?: RequestOptions): Promise<Listed<Prompt>> {
    return this.list('prompts', promptOf, options)
  }

  listResources(options?: RequestOptions): Promise<Listed<Resource>> {
    return this.list('resources', resourceOf, options)
  }

  listTemplates(options?: RequestOptions): Promise<Listed<ResourceTemplate>> {
    return this.list('resources/templates', templateOf, options)
  }

  async callTool(name: string, args: unknown, options: RequestOptions = {}): Promise<JsonObject> {
    try {
      return await this.callOnce(name, args, options)
    } catch (failure) {
      if (!(failure instanceof RpcFailure) || failure.code !== codes.headerMismatch) throw failure
      // The server mirrors other arguments than it used to. It has not run the tool.
      await this.listTools()
      return this.callOnce(name, args, options)
    }
  }

  private callOnce(name: string, args: unknown, options: RequestOptions): Promise<JsonObject> {
    const mirrored = this.era === 'modern' ? mirroredHeaders(this.schemas.get(name), objectOf(args)) : {}
    return this.connection.request('tools/call', { name, arguments: args }, { ...options, headers: mirrored })
  }

  getPrompt(name: string, args: Record<string, string>, options?: RequestOptions): Promise<JsonObject> {
    return this.connection.request('prompts/get', { name, arguments: args }, options)
  }

  readResource(uri: string, options?: RequestOptions): Promise<JsonObject> {
    return this.connection.request('resources/read', { uri }, options)
  }

  /** `known` are the arguments that are filled in already. */
  async complete(
    ref: CompletionRef,
    argument: { name: string; value: string },
    known: Record<string, string>,
    options?: RequestOptions,
  ): Promise<Completion> {
    const params = { ref, argument, ...(Object.keys(known).length ? { context: { arguments: known } } : {}) }
    const result = await this.connection.request('completion/complete', params, options)
    const { values, total, hasMore } = objectOf(result.completion)
    return {
      values: arrayOf(values).filter((value) => typeof value === 'string'),
      total: typeof total === 'number' ? total : null,
      hasMore: hasMore === true,
    }
  }

  subscribe(uri: string): Promise<void> {
    return this.connection.subscribe(uri)
  }

  unsubscribe(uri: string): Promise<void> {
    return this.connection.unsubscribe(uri)
  }

  setLogLevel(level: McpLogLevel): Promise<void> {
    return this.connection.setLogLevel(level)
  }

  rootsChanged(): Promise<void> {
    return this.connection.rootsChanged()
  }

  ping(options?: RequestOptions): Promise<void> {
    return this.connection.ping(options)
  }

  close(): Promise<void> {
    return this.connection.close()
  }

  /** Every page of a list. What the server does not offer is an empty list. */
  private async list<Item>(path: string, read: (raw: unknown) => Item | null, options: RequestOptions = {}): Promise<Listed<Item>> {
    const offered = path.split('/')[0] ?? path
    if (!isObject(this.server.capabilities[offered])) return { items: [], missing: [] }
    const member = path === 'resources/templates' ? 'resourceTemplates' : path
    const items: Item[] = []
    const seen = new Set<string>()
    for (let cursor: string | null = null; ;) {
      const page = await this.page(`${path}/list`, cursor, options)
      items.push(...arrayOf(page[member]).flatMap((raw) => read(raw) ?? []))
      cursor = textOf(page.nextCursor)
      if (cursor === null) return { items, missing: missingOf(page) }
      if (seen.has(cursor) || seen.size === MOST_PAGES) throw new BadAnswer(`The list of ${member} does not end.`)
      seen.add(cursor)
    }
  }

  private async page(method: string, cursor: string | null, options: RequestOptions): Promise<JsonObject> {
    try {
      return await this.connection.request(method, cursor === null ? {} : { cursor }, options)
    } catch (failure) {
      if (failure instanceof RpcFailure && failure.code === codes.methodNotFound) return {}
      throw failure
    }
  }
}

function missingOf(page: JsonObject): Missing[] {
  const missing = arrayOf(objectOf(page._meta)[MISSING_TARGETS]).filter(isObject)
  return missing.map(({ name, status, reason }) => ({ name: String(name), reason: textOf(reason) ?? textOf(status) ?? 'it is missing' }))
}
