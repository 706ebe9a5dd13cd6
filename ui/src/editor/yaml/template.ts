import { alternativesOf, choicesOf, isA, resolved, type Schema } from './schema'

/**
 * Text to insert, in lines relative to the column where it begins. `${}` is a place to fill in, `${word}` one with a word in it
 * that goes away when one types.
 */
export interface Template {
  lines: string[]
  /** Whether what comes next can be chosen from a list. */
  continues: boolean
}

/** `key:` with as much behind and below it as it needs. */
export function keyTemplate(root: Schema, key: string, schema: Schema, style: 'block' | 'flow'): Template {
  const value = valueTemplate(root, schema, style)
  const [first, ...rest] = value.lines
  return value.nested
    ? { lines: [`${key}:`, ...indented(value.lines, isA(schema, 'array') ? '' : '  ')], continues: value.continues }
    : { lines: [`${key}: ${first ?? ''}`, ...rest], continues: value.continues }
}

/** What an item of a list begins as; one for each way to write it. */
export function itemTemplates(root: Schema, item: Schema): { keys: string[]; template: Template }[] {
  if (!isA(item, 'object')) return []
  return requiredSets(item).map((keys) => ({ keys, template: mapOf(root, item, keys) }))
}

/** The same behind a dash. */
export function dashed({ lines, continues }: Template): Template {
  return { lines: lines.map((line, index) => (index === 0 ? '- ' : '  ') + line), continues }
}

interface ValueTemplate extends Template {
  /** Whether it begins on the line below the key. */
  nested: boolean
}

function valueTemplate(root: Schema, schema: Schema, style: 'block' | 'flow'): ValueTemplate {
  const inline = (text: string, continues: boolean) => ({ lines: [text], continues, nested: false })
  const nested = ({ lines, continues }: Template) => ({ lines, continues, nested: true })
  if (choicesOf(schema).length > 0) return inline('${}', true)
  if (isA(schema, 'object')) {
    const open = schema.properties === undefined || schema.maxProperties === 1
    if (style === 'flow' || open) return inline('{${}}', schema.properties !== undefined)
    return nested(mapOf(root, schema, requiredSets(schema)[0] ?? []))
  }
  if (isA(schema, 'array')) {
    const [item] = style === 'block' && schema.items ? itemTemplates(root, resolved(root, schema.items)) : []
    return item ? nested(dashed(item.template)) : inline('[${}]', false)
  }
  return inline(`\${${placeholder(schema.default)}}`, false)
}

/** The keys that a map cannot do without, once for each of its alternatives. */
function requiredSets(schema: Schema): string[][] {
  const always = schema.required ?? []
  const one = alternativesOf(schema)
  return one.length > 0 ? one.map((key) => [...always, key]) : [always]
}

function mapOf(root: Schema, schema: Schema, keys: string[]): Template {
  if (keys.length === 0) return { lines: ['${}'], continues: true }
  const parts = keys.map((key) => {
    const value = resolved(root, schema.properties?.[key] ?? {})
    const { lines, continues } = keyTemplate(root, key, value, 'block')
    return { lines: lines.map((line) => line.replace('${}', `\${${placeholder(key)}}`)), continues }
  })
  return { lines: parts.flatMap(({ lines }) => lines), continues: false }
}

/** Braces would end the place to fill in. */
function placeholder(value: unknown): string {
  return ['string', 'number'].includes(typeof value) ? String(value).replace(/[{}\\]/g, '') : ''
}

function indented(lines: string[], by: string): string[] {
  return lines.map((line) => by + line)
}
