import { isObject, type JsonObject, objectOf } from './json'

const OPEN = '=?base64?'
const CLOSE = '?='

/** Spells a value for a header (2026-07-28, "Value Encoding"): plain where a header can carry it, else as Base64 between sentinels. */
export function encodeHeader(value: string): string {
  const plain = /^[\t\x20-\x7e]*$/.test(value)
  const padded = /^[ \t]|[ \t]$/.test(value)
  const looksEncoded = value.startsWith(OPEN) && value.endsWith(CLOSE)
  return plain && !padded && !looksEncoded ? value : OPEN + base64(value) + CLOSE
}

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}

/** An argument that travels in a header as well: the annotation `x-mcp-header` in a tool's schema. */
interface Mirrored {
  header: string
  path: string[]
}

/** What a schema wants mirrored; or, if one of its annotations is not valid, why: such a tool must not be offered. */
export type Mirror = { fields: Mirrored[]; fault: null } | { fields: null; fault: string }

const ANNOTATION = 'x-mcp-header'
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TYPES = ['string', 'integer', 'boolean']
/** Hostile schemas do not choose how deep we look. */
const DEEPEST = 16

export function mirrorOf(inputSchema: unknown): Mirror {
  try {
    const fields: Mirrored[] = []
    if (isObject(inputSchema)) walk(inputSchema, { path: [], reachable: true, fields }, 0)
    return { fields, fault: null }
  } catch (thrown) {
    if (thrown instanceof Misplaced) return { fields: null, fault: thrown.message }
    throw thrown
  }
}

/** The headers that go with these arguments. What is absent or null gives none. */
export function mirroredHeaders(inputSchema: unknown, args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { header, path } of mirrorOf(inputSchema).fields ?? []) {
    const value = path.reduce<unknown>((holder, name) => objectOf(holder)[name], args)
    const mirrors = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
    if (mirrors) headers[`Mcp-Param-${header}`] = encodeHeader(String(value))
  }
  return headers
}

class Misplaced extends Error {}

interface Walk {
  path: string[]
  /** Whether `properties` alone lead here: only there does a value have one place in the arguments. */
  reachable: boolean
  fields: Mirrored[]
}

function walk(schema: JsonObject, at: Walk, depth: number) {
  if (depth > DEEPEST) return
  if (ANNOTATION in schema) at.fields.push(annotated(schema, at))
  for (const [name, property] of Object.entries(objectOf(schema.properties))) {
    if (isObject(property)) walk(property, { ...at, path: [...at.path, name] }, depth + 1)
  }
  for (const inner of innerSchemas(schema)) walk(inner, { ...at, reachable: false }, depth + 1)
}

/** Keywords under which there is a schema or an array of them. Whatever else looks like one is data: a default, an example. */
const SCHEMAS = [
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties'],
  ...['propertyNames', 'contentSchema', 'not', 'if', 'then', 'else', 'allOf', 'anyOf', 'oneOf'],
]
/** Keywords under which there are schemas by name. */
const NAMED = ['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']

function innerSchemas(schema: JsonObject): JsonObject[] {
  const direct = SCHEMAS.map((key) => schema[key])
  const named = NAMED.flatMap((key) => Object.values(objectOf(schema[key])))
  return [...direct, ...named].flat().filter(isObject)
}

function annotated(schema: JsonObject, { path, reachable, fields }: Walk): Mirrored {
  const header = schema[ANNOTATION]
  const place = path.join('.') || 'the top'
  if (!reachable || path.length === 0) throw new Misplaced(`\`${ANNOTATION}\` stands where no single argument is meant, below ${place}`)
  if (typeof header !== 'string' || !TOKEN.test(header)) throw new Misplaced(`\`${ANNOTATION}\` of \`${place}\` is no name of a header`)
  if (!TYPES.includes(String(schema.type))) throw new Misplaced(`\`${ANNOTATION}\` of \`${place}\` needs a string, an integer or a boolean`)
  if (fields.some((field) => field.header.toLowerCase() === header.toLowerCase()))
    throw new Misplaced(`the header \`${header}\` is named twice`)
  return { header, path }
}
