import { arrayOf, isObject, type JsonObject, textOf } from './json'

/** What servers offer and give, as far as it is read here. The raw item is kept: servers say more than this. */

export interface Tool {
  name: string
  title: string | null
  description: string | null
  inputSchema: JsonObject
  outputSchema: unknown
  annotations: ToolAnnotations
  raw: JsonObject
}

/** Hints of the server about its tool, which need not be true. */
export interface ToolAnnotations {
  title: string | null
  readOnly: boolean | null
  destructive: boolean | null
  idempotent: boolean | null
  openWorld: boolean | null
}

export interface Prompt {
  name: string
  title: string | null
  description: string | null
  arguments: PromptArgument[]
  raw: JsonObject
}

export interface PromptArgument {
  name: string
  title: string | null
  description: string | null
  required: boolean
}

export interface Resource {
  uri: string
  name: string
  title: string | null
  description: string | null
  mimeType: string | null
  size: number | null
  raw: JsonObject
}

export interface ResourceTemplate {
  uriTemplate: string
  name: string
  title: string | null
  description: string | null
  mimeType: string | null
  raw: JsonObject
}

/** A piece of content. Its type decides what else is in it, and there may be types that nobody here knows. */
export type ContentBlock = JsonObject & { type: string }

export interface ResourceContents {
  uri: string
  mimeType: string | null
  text: string | null
  /** Base64. */
  blob: string | null
}

export interface Root {
  uri: string
  name?: string
}

export interface Completion {
  values: string[]
  total: number | null
  hasMore: boolean
}

const flag = (value: unknown) => (typeof value === 'boolean' ? value : null)

/** Null for what lacks even a name. */
export function toolOf(raw: unknown): Tool | null {
  if (!isObject(raw) || typeof raw.name !== 'string') return null
  const hints = isObject(raw.annotations) ? raw.annotations : {}
  return {
    name: raw.name,
    title: textOf(raw.title),
    description: textOf(raw.description),
    inputSchema: isObject(raw.inputSchema) ? raw.inputSchema : { type: 'object' },
    outputSchema: raw.outputSchema,
    annotations: {
      title: textOf(hints.title),
      readOnly: flag(hints.readOnlyHint),
      destructive: flag(hints.destructiveHint),
      idempotent: flag(hints.idempotentHint),
      openWorld: flag(hints.openWorldHint),
    },
    raw,
  }
}

export function promptOf(raw: unknown): Prompt | null {
  if (!isObject(raw) || typeof raw.name !== 'string') return null
  return {
    name: raw.name,
    title: textOf(raw.title),
    description: textOf(raw.description),
    arguments: arrayOf(raw.arguments).flatMap((argument) => promptArgumentOf(argument) ?? []),
    raw,
  }
}

function promptArgumentOf(raw: unknown): PromptArgument | null {
  if (!isObject(raw) || typeof raw.name !== 'string') return null
  return { name: raw.name, title: textOf(raw.title), description: textOf(raw.description), required: raw.required === true }
}

export function resourceOf(raw: unknown): Resource | null {
  if (!isObject(raw) || typeof raw.uri !== 'string') return null
  return {
    uri: raw.uri,
    name: textOf(raw.name) ?? raw.uri,
    title: textOf(raw.title),
    description: textOf(raw.description),
    mimeType: textOf(raw.mimeType),
    size: typeof raw.size === 'number' ? raw.size : null,
    raw,
  }
}

export function templateOf(raw: unknown): ResourceTemplate | null {
  if (!isObject(raw) || typeof raw.uriTemplate !== 'string') return null
  return {
    uriTemplate: raw.uriTemplate,
    name: textOf(raw.name) ?? raw.uriTemplate,
    title: textOf(raw.title),
    description: textOf(raw.description),
    mimeType: textOf(raw.mimeType),
    raw,
  }
}

export function contentsOf(raw: unknown): ResourceContents | null {
  if (!isObject(raw) || typeof raw.uri !== 'string') return null
  return { uri: raw.uri, mimeType: textOf(raw.mimeType), text: textOf(raw.text), blob: textOf(raw.blob) }
}

export function blocksOf(content: unknown): ContentBlock[] {
  const blocks = Array.isArray(content) ? content : [content]
  return blocks.filter((block): block is ContentBlock => isObject(block) && typeof block.type === 'string')
}
