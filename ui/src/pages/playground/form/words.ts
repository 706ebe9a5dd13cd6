import { type Bound, type Shape } from './schema'

/** What may stand in a field, in few words: `whole number, 1 to 10`. Empty where the field shows it by itself. */
export function wordsFor(shape: Shape): string {
  const words = kindWords(shape)
  return [...words, ...(shape.nullable ? ['or null'] : []), ...(shape.deprecated ? ['deprecated'] : [])]
    .filter((word) => word !== '')
    .join(', ')
}

function kindWords(shape: Shape): string[] {
  switch (shape.kind) {
    case 'text':
      return [
        FORMATS[shape.format ?? ''] ?? shape.format ?? '',
        lengthWords(shape.minLength, shape.maxLength),
        shape.pattern === null ? '' : `matches ${shape.pattern}`,
      ]
    case 'number':
      return [
        shape.integer ? 'whole number' : 'number',
        rangeWords(shape.min, shape.max),
        shape.multipleOf === null ? '' : `a multiple of ${shape.multipleOf}`,
      ]
    case 'array':
      return [countWords(shape.minItems, shape.maxItems)]
    case 'flags':
      return ['any of these', countWords(shape.minItems, shape.maxItems)]
    case 'json':
      return [shape.type === null ? 'JSON' : `JSON ${shape.type}`]
    default:
      return []
  }
}

const FORMATS: Record<string, string> = {
  'date-time': 'a time with its zone, like 2026-07-28T12:00:00Z',
  date: 'a date',
  email: 'an email address',
  uri: 'a URI',
  password: '',
}

function rangeWords(min: Bound | null, max: Bound | null): string {
  if (min && max && !min.exclusive && !max.exclusive) return `${min.value} to ${max.value}`
  const low = min && `${min.exclusive ? 'more than' : 'at least'} ${min.value}`
  const high = max && `${max.exclusive ? 'less than' : 'at most'} ${max.value}`
  return [low, high].filter(Boolean).join(', ')
}

function lengthWords(min: number | null, max: number | null): string {
  if (min !== null && min > 1 && max !== null) return `${min} to ${max} characters`
  if (max !== null) return `at most ${max} characters`
  return min !== null && min > 1 ? `at least ${min} characters` : ''
}

function countWords(min: number | null, max: number | null): string {
  if (min !== null && min > 0 && max !== null) return `${min} to ${max} of them`
  if (max !== null) return `at most ${max} of them`
  return min !== null && min > 0 ? `at least ${min} of them` : ''
}
