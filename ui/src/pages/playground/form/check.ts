import { isObject, sameJson } from '../../../mcp/json'
import { NotJson } from './not-json'
import { type Bound, type Schema, type Shape, shapeOf, type ShapeOf } from './schema'

/** What keeps a value from being what its schema wants. */
export interface FieldFault {
  /** Where it is, as `pathOf` spells it. */
  path: string
  /** Follows the name of the field. */
  text: string
}

/** Deep enough for what people fill in, and an end for what a schema may lead to. */
const DEEPEST = 32
const MOST_FAULTS = 50

export function pathOf(parent: string, step: string | number): string {
  if (typeof step === 'number') return `${parent}[${step}]`
  return parent === '' ? step : `${parent}.${step}`
}

/** Whether a value is one of a list, which is taken away with its place there. */
export function isItem(path: string): boolean {
  return path.endsWith(']')
}

/** Everything that is wrong with a value, as far as a form knows. The server has the last word. */
export function checkValue(schema: Schema, value: unknown): FieldFault[] {
  const faults: FieldFault[] = []
  visit(schema, value, { path: '', required: true, depth: 0, faults })
  return faults
}

interface Visit {
  path: string
  required: boolean
  depth: number
  faults: FieldFault[]
}

function visit(schema: Schema, value: unknown, at: Visit) {
  if (at.depth > DEEPEST || at.faults.length >= MOST_FAULTS) return
  const shape = shapeOf(schema)
  const wrong = (text: string) => at.faults.push({ path: at.path, text })
  if (value === undefined) {
    if (at.required) wrong('is required')
    return
  }
  if (value === null && shape.nullable) return
  const problem = problemOf(shape, value)
  if (problem !== null) wrong(problem)
  else descend(shape, value, at)
}

function descend(shape: Shape, value: unknown, at: Visit) {
  const below = (step: string | number, required: boolean) => ({ ...at, path: pathOf(at.path, step), required, depth: at.depth + 1 })
  if (shape.kind === 'object' && isObject(value)) {
    for (const { name, schema, required } of shape.properties) visit(schema, value[name], below(name, required))
  }
  if (shape.kind === 'array' && Array.isArray(value)) {
    value.forEach((item, index) => visit(shape.item, item, below(index, true)))
  }
  if (shape.kind === 'choice') {
    const fitting = fittingVariant(shape, value)
    const variant = fitting === null ? null : shape.variants[fitting]
    if (variant) visit(variant.schema, value, { ...at, depth: at.depth + 1 })
  }
}

/** Null if the value is right, not counting what is inside of it. */
function problemOf(shape: Shape, value: unknown): string | null {
  if (value instanceof NotJson) return 'is not JSON'
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? textProblem(shape, value) : 'must be text'
    case 'number':
      return typeof value === 'number' ? numberProblem(shape, value) : `must be ${shape.integer ? 'a whole number' : 'a number'}`
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'enum':
      return shape.options.some((option) => sameJson(option.value, value)) ? null : 'must be one of the values to choose from'
    case 'constant':
      return sameJson(shape.value, value) ? null : `must be ${JSON.stringify(shape.value)}`
    case 'object':
      return isObject(value) ? null : 'must be an object'
    case 'array':
      return Array.isArray(value) ? countProblem(shape, value.length) : 'must be a list'
    case 'flags': {
      if (!Array.isArray(value)) return 'must be a list'
      const known = value.every((item) => shape.options.some((option) => sameJson(option.value, item)))
      return known ? countProblem(shape, value.length) : 'must hold only the values to choose from'
    }
    case 'choice':
      return fittingVariant(shape, value) === null ? 'fits none of its forms' : null
    case 'json':
      if (shape.type === 'object') return isObject(value) ? null : 'must be an object'
      return shape.type === 'array' && !Array.isArray(value) ? 'must be a list' : null
  }
}

function textProblem(shape: ShapeOf<'text'>, value: string): string | null {
  // The standard counts characters and not UTF-16 units.
  const length = [...value].length
  if (shape.minLength !== null && length < shape.minLength) {
    return value === '' ? 'must not be empty' : `must have at least ${shape.minLength} characters; it has ${length}`
  }
  if (shape.maxLength !== null && length > shape.maxLength) return `must have at most ${shape.maxLength} characters; it has ${length}`
  const format = FORMATS[shape.format ?? '']
  if (format && !format.test(value)) return format.words
  if (shape.pattern !== null && matches(shape.pattern, value) === false) return `must match ${shape.pattern}`
  return null
}

const FORMATS: Record<string, { test(value: string): boolean; words: string }> = {
  email: { test: (value) => /^[^\s@]+@[^\s@]+$/.test(value), words: 'must be an email address' },
  uri: { test: (value) => /^[a-z][a-z0-9+.-]*:\S+$/i.test(value), words: 'must be a URI, like https://example.com' },
  date: {
    test: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)),
    words: 'must be a date, like 2026-07-28',
  },
  'date-time': {
    test: (value) =>
      /^\d{4}-\d{2}-\d{2}[tT ]\d{2}:\d{2}:\d{2}(\.\d+)?([zZ]|[+-]\d{2}:\d{2})$/.test(value) && !Number.isNaN(Date.parse(value)),
    words: 'must be a time with its zone, like 2026-07-28T12:00:00Z',
  },
}

/** Whether a text matches a server's pattern; null if that is not for us to find out. */
function matches(pattern: string, value: string): boolean | null {
  // A repeated group can keep the page busy for years, and servers are not to be trusted that much.
  const tame = pattern.length <= 200 && value.length <= 500 && !/\)[*+{]|\\[1-9]/.test(pattern)
  if (!tame) return null
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return null
  }
}

function numberProblem({ integer, min, max, multipleOf }: ShapeOf<'number'>, value: number): string | null {
  if (integer && !Number.isInteger(value)) return 'must be a whole number'
  if (integer && !Number.isSafeInteger(value)) return 'is too large to be exact as a JSON number'
  if (min && !within(min.value, value, min)) return `must be ${min.exclusive ? 'more than' : 'at least'} ${min.value}`
  if (max && !within(value, max.value, max)) return `must be ${max.exclusive ? 'less than' : 'at most'} ${max.value}`
  if (multipleOf === null || multipleOf <= 0) return null
  const times = value / multipleOf
  return Math.abs(times - Math.round(times)) < 1e-9 ? null : `must be a multiple of ${multipleOf}`
}

function within(low: number, high: number, { exclusive }: Bound): boolean {
  return exclusive ? low < high : low <= high
}

function countProblem({ minItems, maxItems }: { minItems: number | null; maxItems: number | null }, count: number): string | null {
  if (minItems !== null && count < minItems) return `needs at least ${minItems}; there ${count === 1 ? 'is 1' : `are ${count}`}`
  if (maxItems !== null && count > maxItems) return `takes at most ${maxItems}; there are ${count}`
  return null
}

/** The variant that a value fits best, while it is filled in too; null if it has the type of none. */
export function fittingVariant({ variants }: ShapeOf<'choice'>, value: unknown): number | null {
  const misfits = variants.map(({ schema }) => misfit(schema, value))
  const least = Math.min(...misfits)
  return Number.isFinite(least) ? misfits.indexOf(least) : null
}

/** Constants are what tells variants apart, so another constant weighs more than all that may still be missing. */
const OTHER_CONSTANT = 1000

function misfit(schema: Schema, value: unknown): number {
  const shape = shapeOf(schema)
  if (value === null && shape.nullable) return 0
  if (!isOfType(shape, value)) return Infinity
  if (shape.kind !== 'object' || !isObject(value)) return problemOf(shape, value) === null ? 0 : 1
  const known = new Set(shape.properties.map(({ name }) => name))
  const strangers = Object.keys(value).filter((name) => !known.has(name)).length
  return shape.properties.reduce(
    (sum, { name, schema: property, required }) => sum + memberMisfit(property, value[name], required),
    strangers,
  )
}

function isOfType(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
    case 'array':
    case 'flags':
      return Array.isArray(value)
    default:
      return problemOf(shape, value) === null
  }
}

function memberMisfit(schema: Schema, value: unknown, required: boolean): number {
  if (value === undefined) return required ? 1 : 0
  const shape = shapeOf(schema)
  if (problemOf(shape, value) === null) return 0
  return shape.kind === 'constant' ? OTHER_CONSTANT : 1
}
