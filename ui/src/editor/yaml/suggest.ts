import type { Path, Place } from './place'
import { alternativesOf, choicesOf, describe, isA, resolved, schemaAt, type Description, type Schema } from './schema'
import { dashed, itemTemplates, keyTemplate, type Template } from './template'

/** Something that can be written at a place. */
export interface Suggestion {
  kind: 'key' | 'value' | 'item'
  label: string
  /** A few words beside the label. */
  detail: string
  description: Description
  insert: Template
  /** Whether the map is not complete without it. */
  required: boolean
}

export function suggestionsAt(root: Schema, place: Place): Suggestion[] {
  const schema = schemaAt(root, place.path)
  const items = place.list ? dashedItems(root, place.list) : []
  if (!schema) return items
  const keys = place.accepts === 'value' ? [] : keysOf(root, schema, place)
  const values = place.accepts === 'key' ? [] : valuesOf(schema)
  const isItem = place.accepts === 'either' && typeof place.path.at(-1) === 'number'
  return [...keys, ...values, ...(isItem ? wholeItems(root, schema) : []), ...items]
}

function keysOf(root: Schema, schema: Schema, place: Place): Suggestion[] {
  const { siblings } = place
  if (siblings.length >= (schema.maxProperties ?? Infinity)) return []
  const alternatives = alternativesOf(schema)
  const chosen = alternatives.some((key) => siblings.includes(key))
  const isFree = (key: string) => !siblings.includes(key) && !(chosen && alternatives.includes(key))
  // Of alternatives one is needed, so that these come before what may be left out.
  const isNeeded = (key: string) => !chosen && alternatives.includes(key)
  return Object.entries(schema.properties ?? {})
    .filter(([key]) => isFree(key))
    .sort(([one], [other]) => Number(isNeeded(other)) - Number(isNeeded(one)))
    .map(([key, value]) => keySuggestion(root, key, resolved(root, value), place, schema.required?.includes(key) ?? false))
}

function keySuggestion(root: Schema, key: string, schema: Schema, place: Place, required: boolean): Suggestion {
  const insert = place.colon ? { lines: [key], continues: false } : keyTemplate(root, key, schema, place.style)
  const description = describe(schema)
  const detail = required ? 'required' : description.default !== null ? `default ${description.default}` : kindOf(schema)
  return { kind: 'key', label: key, detail, description, insert, required }
}

function kindOf(schema: Schema): string {
  if (isA(schema, 'array')) return 'list'
  return isA(schema, 'object') ? 'map' : ''
}

function valuesOf(schema: Schema): Suggestion[] {
  const { default: preset, choices } = describe(schema)
  const offered = choices.length > 0 ? choices : preset !== null ? [{ value: preset, description: '' }] : []
  return offered.map(({ value, description }) => ({
    kind: 'value',
    label: value,
    detail: value === preset ? 'default' : '',
    description: { text: description, default: null, choices: [] },
    insert: { lines: [value], continues: false },
    required: false,
  }))
}

/** Items to begin a list with, or to go on with. */
function dashedItems(root: Schema, list: Path): Suggestion[] {
  const items = schemaAt(root, list)?.items
  const whole = items ? wholeItems(root, resolved(root, items)) : []
  return whole.map((item) => ({ ...item, label: `- ${item.label}`, insert: dashed(item.insert) }))
}

/** Several keys of an item at once; for a single one there is the key itself. */
function wholeItems(root: Schema, item: Schema): Suggestion[] {
  return itemTemplates(root, item).map(({ keys, template }) => {
    const way = alternativesOf(item).find((key) => keys.includes(key))
    const about = way === undefined ? item : resolved(root, item.properties?.[way] ?? {})
    return {
      kind: 'item',
      label: keys.join(', ') || '…',
      detail: 'new item',
      description: { text: about.description ?? '', default: null, choices: [] },
      insert: template,
      required: false,
    }
  })
}

/** What a value means, if the schema says something about this very value. */
export function meaningOf(schema: Schema, value: string): string | null {
  return choicesOf(schema).find((choice) => choice.value === value)?.description || null
}
