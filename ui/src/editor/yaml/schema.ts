import type { Path } from './place'

/** As much of JSON Schema as the schema of the configuration uses. */
export interface Schema {
  $ref?: string
  $defs?: Record<string, Schema>
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  required?: string[]
  maxProperties?: number
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
}

/** One of the values that are possible. */
export interface Choice {
  value: string
  description: string
}

/** What the schema says of a place in the document; null if it knows none such. */
export function schemaAt(root: Schema, path: Path): Schema | null {
  let schema: Schema | null = resolved(root, root)
  for (const step of path) schema = schema && stepped(root, schema, step)
  return schema
}

function stepped(root: Schema, schema: Schema, step: string | number): Schema | null {
  if (typeof step === 'number') return schema.items ? resolved(root, schema.items) : null
  const others = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const next = schema.properties?.[step] ?? others
  return next ? resolved(root, next) : null
}

/** With references followed. What stands beside a reference wins over what it leads to. */
export function resolved(root: Schema, schema: Schema): Schema {
  const { $ref, anyOf, ...own } = schema
  if ($ref !== undefined) return { ...resolved(root, definition(root, $ref)), ...own }
  // The only alternative that there is otherwise: the same, or nothing.
  const something = anyOf?.find(({ type }) => type !== 'null')
  return something ? { ...resolved(root, something), ...own } : schema
}

function definition(root: Schema, ref: string): Schema {
  return root.$defs?.[ref.replace('#/$defs/', '')] ?? {}
}

export function isA(schema: Schema, type: 'object' | 'array' | 'boolean'): boolean {
  return schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type))
}

/** The values to choose from, if they can be counted. */
export function choicesOf(schema: Schema): Choice[] {
  if (isA(schema, 'boolean')) return [{ value: 'true', description: '' }, { value: 'false', description: '' }]
  const named = schema.oneOf?.filter((one) => one.const !== undefined) ?? []
  return named.map((one) => ({ value: String(one.const), description: one.description ?? '' }))
}

/** Keys of which a map has exactly one, like the ways to reach a target. */
export function alternativesOf(schema: Schema): string[] {
  return (schema.oneOf ?? []).flatMap(({ required }) => (required?.length === 1 ? required : []))
}

/** What a key is for, or what a value means, for people. */
export interface Description {
  text: string
  /** What holds when the key is not there. */
  default: string | null
  choices: Choice[]
}

export function describe(schema: Schema): Description {
  const simple = ['string', 'number', 'boolean'].includes(typeof schema.default)
  return { text: schema.description ?? '', default: simple ? String(schema.default) : null, choices: choicesOf(schema) }
}
