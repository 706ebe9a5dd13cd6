import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../../mcp/json'

/** What a form can do with a schema. Whatever it cannot show is `json`: a field for JSON text. */
export type Shape = Common &
  (
    | { kind: 'text'; format: string | null; long: boolean; minLength: number | null; maxLength: number | null; pattern: string | null }
    | { kind: 'number'; integer: boolean; min: Bound | null; max: Bound | null; multipleOf: number | null }
    | { kind: 'boolean' }
    | { kind: 'enum'; options: Option[] }
    | { kind: 'constant'; value: unknown }
    | { kind: 'object'; properties: Property[]; open: boolean }
    | { kind: 'array'; item: Schema; minItems: number | null; maxItems: number | null }
    /** Any number of fixed values, each at most once. */
    | { kind: 'flags'; options: Option[]; minItems: number | null; maxItems: number | null }
    | { kind: 'choice'; variants: Variant[] }
    | { kind: 'json'; type: string | null }
  )

export type ShapeOf<K extends Shape['kind']> = Extract<Shape, { kind: K }>

interface Common {
  title: string | null
  description: string | null
  /** Undefined if there is none. */
  default: unknown
  nullable: boolean
  deprecated: boolean
}

export interface Bound {
  value: number
  /** Whether the value itself is outside. */
  exclusive: boolean
}

export interface Option {
  value: unknown
  label: string
}

export interface Property {
  name: string
  schema: Schema
  required: boolean
}

export interface Variant {
  label: string
  schema: Schema
}

/** A schema with the document that its `$ref`s point into. */
export interface Schema {
  at: unknown
  root: unknown
}

/** References that lead to references. A circle of them says nothing about the value, and ends here. */
const LONGEST_CHAIN = 16
const LONG_TEXT = 200
/** Names of texts that tend to have several lines. */
const LONG_NAMES = /^(text|content|contents|body|prompt|code|query|sql|script|markdown|html|template|instructions|notes?)$/i

export function schemaOf(document: unknown): Schema {
  return { at: document, root: document }
}

/** `name` is what the value is called; it tells long texts from short ones. */
export function shapeOf(schema: Schema, name = ''): Shape {
  const { root } = schema
  const flat = flattened(schema)
  if (flat === null) return { kind: 'json', type: null, ...commonOf({}, false) }
  const { at, nullable } = withoutNull(flat, root)
  const common = commonOf(at, nullable)
  return { ...kindOf(at, root, name), ...common } as Shape
}

function kindOf(at: JsonObject, root: unknown, name: string) {
  if ('const' in at) return { kind: 'constant', value: at.const }
  const options = optionsOf(at, root)
  if (options) return { kind: 'enum', options }
  const variants = variantsOf(at, root)
  if (variants) return { kind: 'choice', variants }
  switch (typeOf(at)) {
    case 'string':
      return textShape(at, name)
    case 'number':
    case 'integer':
      return numberShape(at)
    case 'boolean':
      return { kind: 'boolean' }
    case 'object':
      return objectShape(at, root)
    case 'array':
      return arrayShape(at, root)
    default:
      return { kind: 'json', type: typeOf(at) }
  }
}

function textShape(at: JsonObject, name: string) {
  const maxLength = numberOf(at.maxLength)
  const format = textOf(at.format) ?? (at.writeOnly === true ? 'password' : null)
  const plain = format === null || format === 'textarea' || format === 'markdown'
  const long = plain && ((maxLength ?? 0) > LONG_TEXT || LONG_NAMES.test(name) || format !== null || 'contentMediaType' in at)
  return { kind: 'text', format, long, minLength: numberOf(at.minLength), maxLength, pattern: textOf(at.pattern) }
}

function numberShape(at: JsonObject) {
  const min = boundOf(at.minimum, at.exclusiveMinimum)
  const max = boundOf(at.maximum, at.exclusiveMaximum)
  return { kind: 'number', integer: typeOf(at) === 'integer', min, max, multipleOf: numberOf(at.multipleOf) }
}

/** The older dialects have a flag where newer ones have a number of its own. */
function boundOf(inclusive: unknown, exclusive: unknown): Bound | null {
  const own = numberOf(exclusive)
  if (own !== null) return { value: own, exclusive: true }
  const value = numberOf(inclusive)
  return value === null ? null : { value, exclusive: exclusive === true }
}

function objectShape(at: JsonObject, root: unknown) {
  const required = new Set(arrayOf(at.required))
  const properties = Object.entries(objectOf(at.properties))
    .filter(([, schema]) => schema !== false)
    .map(([name, schema]) => ({ name, schema: { at: schema, root }, required: required.has(name) }))
  const open = at.additionalProperties !== false
  // What SDKs write for a tool without arguments: open in principle, but nothing is meant.
  const none = isObject(at.properties) && at.additionalProperties === undefined && at.patternProperties === undefined
  return properties.length === 0 && open && !none ? { kind: 'json', type: 'object' } : { kind: 'object', properties, open }
}

function arrayShape(at: JsonObject, root: unknown) {
  const limits = { minItems: numberOf(at.minItems), maxItems: numberOf(at.maxItems) }
  if (!isObject(at.items) || 'prefixItems' in at) return { kind: 'json', type: 'array' }
  const item = { at: at.items, root }
  const shape = shapeOf(item)
  // Elicitation says nothing of repetition, and for tools it is rarely meant: raw JSON can still repeat.
  if (shape.kind === 'enum') return { kind: 'flags', options: shape.options, ...limits }
  return { kind: 'array', item, ...limits }
}

// ---- What several keywords say together

/** The schema with references followed and `allOf` merged in; null if it says nothing that a form could use. */
function flattened({ at, root }: Schema): JsonObject | null {
  let here = at
  for (let step = 0; step < LONGEST_CHAIN; step += 1) {
    if (!isObject(here)) return null
    const ref = textOf(here.$ref)
    if (ref !== null) {
      const { $ref: _, ...beside } = here
      const target = lookedUp(ref, root)
      here = isObject(target) ? { ...target, ...beside } : target
      continue
    }
    const parts = arrayOf(here.allOf)
    if (parts.length === 0) return here
    const { allOf: _, ...rest } = here
    here = parts.map((part) => flattened({ at: part, root }) ?? {}).reduce(merged, rest)
  }
  return null
}

/** References within the document only: nothing is fetched. */
function lookedUp(ref: string, root: unknown): unknown {
  if (!ref.startsWith('#')) return undefined
  const steps = decodeURIComponent(ref.slice(1)).split('/').slice(1)
  return steps.reduce<unknown>((holder, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return Array.isArray(holder) ? holder[Number(key)] : objectOf(holder)[key]
  }, root)
}

function merged(a: JsonObject, b: JsonObject): JsonObject {
  const both = { ...a, ...b }
  if (isObject(a.properties) && isObject(b.properties)) both.properties = { ...a.properties, ...b.properties }
  if (Array.isArray(a.required) && Array.isArray(b.required)) both.required = [...a.required, ...b.required]
  return both
}

/** Takes null out of what a value may be: it is a switch beside the field, and no field. */
function withoutNull(at: JsonObject, root: unknown): { at: JsonObject; nullable: boolean } {
  let nullable = at.nullable === true
  let rest = at
  if (Array.isArray(at.type) && at.type.includes('null')) {
    const types = at.type.filter((type) => type !== 'null')
    nullable = true
    rest = { ...rest, type: types.length === 1 ? types[0] : types }
  }
  if (Array.isArray(at.enum) && at.enum.includes(null)) {
    nullable = true
    rest = { ...rest, enum: at.enum.filter((value) => value !== null) }
  }
  for (const key of ['anyOf', 'oneOf']) {
    const variants = arrayOf(at[key])
    const some = variants.filter((variant) => objectOf(variant).type !== 'null')
    if (some.length === variants.length) continue
    nullable = true
    const { [key]: _, ...beside } = rest
    // One alternative that is left is no choice.
    rest = some.length === 1 ? merged(flattened({ at: some[0], root }) ?? {}, beside) : { ...rest, [key]: some }
  }
  return { at: rest, nullable }
}

function optionsOf(at: JsonObject, root: unknown): Option[] | null {
  if (Array.isArray(at.enum) && at.enum.length > 0) {
    const names = arrayOf(at.enumNames)
    return at.enum.map((value, index) => ({ value, label: textOf(names[index]) ?? labelOf(value) }))
  }
  for (const key of ['oneOf', 'anyOf']) {
    const variants = arrayOf(at[key]).map((variant) => flattened({ at: variant, root }))
    if (variants.length > 0 && variants.every((variant) => variant !== null && 'const' in variant)) {
      return variants.map((variant) => ({ value: variant?.const, label: textOf(variant?.title) ?? labelOf(variant?.const) }))
    }
  }
  return null
}

function variantsOf(at: JsonObject, root: unknown): Variant[] | null {
  for (const key of ['oneOf', 'anyOf']) {
    const { [key]: found, ...base } = at
    const variants = arrayOf(found).map((variant) => flattened({ at: variant, root }) ?? {})
    // Alternatives that only say what is required beside what: the server knows better how to explain that.
    if (variants.length < 2 || !variants.some(saysWhatItIs)) continue
    const { title: _, description: __, default: ___, ...inherited } = base
    return variants.map((variant, index) => ({ label: variantLabel(variant, index), schema: { at: merged(inherited, variant), root } }))
  }
  if (!Array.isArray(at.type) || at.type.length < 2) return null
  const { title: _, description: __, default: ___, ...inherited } = at
  return at.type.map((type) => ({ label: String(type), schema: { at: { ...inherited, type }, root } }))
}

function saysWhatItIs(schema: JsonObject): boolean {
  return ['type', 'properties', 'enum', 'const', 'items', 'anyOf', 'oneOf', 'additionalProperties'].some((key) => key in schema)
}

function variantLabel(variant: JsonObject, index: number): string {
  const title = textOf(variant.title)
  if (title !== null) return title
  // What tells objects apart is often a constant: `kind: "circle"`.
  const marks = Object.values(objectOf(variant.properties)).flatMap((property) =>
    isObject(property) && 'const' in property ? [labelOf(property.const)] : [],
  )
  if (marks.length > 0) return marks.join(', ')
  const type = typeOf(variant)
  if (type === 'array') return `list of ${typeOf(objectOf(variant.items)) ?? 'values'}`
  if (type === 'object') return Object.keys(objectOf(variant.properties)).slice(0, 3).join(', ') || 'object'
  return type ?? `Form ${index + 1}`
}

function typeOf(at: JsonObject): string | null {
  if (typeof at.type === 'string') return at.type
  if (isObject(at.properties)) return 'object'
  return 'items' in at || 'prefixItems' in at ? 'array' : null
}

function commonOf(at: JsonObject, nullable: boolean): Common {
  return { title: textOf(at.title), description: textOf(at.description), default: at.default, nullable, deprecated: at.deprecated === true }
}

export function labelOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
