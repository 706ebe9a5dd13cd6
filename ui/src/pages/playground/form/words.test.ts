import { expect, test } from 'vitest'
import { schemaOf, shapeOf } from './schema'
import { wordsFor } from './words'

test.each([
  [{ type: 'string' }, ''],
  [{ type: 'string', format: 'email', maxLength: 20 }, 'an email address, at most 20 characters'],
  [{ type: 'string', pattern: '^a$', minLength: 2, maxLength: 3 }, '2 to 3 characters, matches ^a$'],
  [{ type: 'integer', minimum: 1, maximum: 10 }, 'whole number, 1 to 10'],
  [{ type: 'number', exclusiveMinimum: 0, multipleOf: 0.5 }, 'number, more than 0, a multiple of 0.5'],
  [{ type: ['integer', 'null'], maximum: 3 }, 'whole number, at most 3, or null'],
  [{ type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 3 }, '1 to 3 of them'],
  [{ type: 'array', items: { enum: ['a'] }, maxItems: 2 }, 'any of these, at most 2 of them'],
  [{ type: 'object' }, 'JSON object'],
  [{ type: 'boolean', deprecated: true }, 'deprecated'],
])('%j is told as “%s”', (schema, words) => expect(wordsFor(shapeOf(schemaOf(schema)))).toBe(words))
