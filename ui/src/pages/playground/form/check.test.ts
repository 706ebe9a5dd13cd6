import { describe, expect, test } from 'vitest'
import { checkValue } from './check'
import { schemaOf } from './schema'

const faults = (schema: unknown, value: unknown) => checkValue(schemaOf(schema), value)

describe('checkValue', () => {
  const rows: [string, unknown, unknown, string][] = [
    ['text', { type: 'string' }, 7, 'must be text'],
    ['too short', { type: 'string', minLength: 2 }, 'é', 'must have at least 2 characters; it has 1'],
    ['empty', { type: 'string', minLength: 1 }, '', 'must not be empty'],
    ['too long', { type: 'string', maxLength: 2 }, '🎉🎉🎉', 'must have at most 2 characters; it has 3'],
    ['no email', { type: 'string', format: 'email' }, 'a at b', 'must be an email address'],
    ['no date', { type: 'string', format: 'date' }, '2026-02-31x', 'must be a date, like 2026-07-28'],
    ['no zone', { type: 'string', format: 'date-time' }, '2026-07-28T12:00:00', 'must be a time with its zone, like 2026-07-28T12:00:00Z'],
    ['no match', { type: 'string', pattern: '^[a-z]+$' }, 'A', 'must match ^[a-z]+$'],
    ['words for a number', { type: 'number' }, '1.', 'must be a number'],
    ['a fraction', { type: 'integer' }, 1.5, 'must be a whole number'],
    ['beyond what is exact', { type: 'integer' }, 2 ** 53, 'is too large to be exact as a JSON number'],
    ['too small', { type: 'number', minimum: 1 }, 0, 'must be at least 1'],
    ['at an open end', { type: 'number', exclusiveMaximum: 1 }, 1, 'must be less than 1'],
    ['no multiple', { type: 'number', multipleOf: 0.1 }, 0.25, 'must be a multiple of 0.1'],
    ['none of the choices', { enum: ['a', 'b'] }, 'c', 'must be one of the values to choose from'],
    ['another constant', { const: 1 }, 2, 'must be 1'],
    ['too few', { type: 'array', items: { type: 'string' }, minItems: 2 }, ['a'], 'needs at least 2; there is 1'],
    ['too many', { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 1 }, ['a', 'b'], 'takes at most 1; there are 2'],
    ['no object', { type: 'object' }, [], 'must be an object'],
    ['no variant', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, true, 'fits none of its forms'],
    ['a variant with a bound', { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 1 }] }, 0, 'must be at least 1'],
    ['null', { type: 'string' }, null, 'must be text'],
  ]
  test.each(rows)('%s', (_, schema, value, text) => expect(faults(schema, value)).toEqual([{ path: '', text }]))

  const fine: [string, unknown, unknown][] = [
    ['null where it may be', { type: ['string', 'null'] }, null],
    ['two characters of four units', { type: 'string', maxLength: 2 }, '🎉🎉'],
    ['a multiple in spite of rounding', { type: 'number', multipleOf: 0.1 }, 0.3],
    ['anything where anything may be', {}, { a: [1] }],
    ['unknown members', { type: 'object', properties: { a: {} } }, { b: 1 }],
    ['a pattern that could run for years', { type: 'string', pattern: '^(a+)+$' }, 'b'],
    ['a pattern that is none', { type: 'string', pattern: '[' }, 'b'],
  ]
  test.each(fine)('says nothing about %s', (_, schema, value) => expect(faults(schema, value)).toEqual([]))

  test('names the place', () => {
    const schema = {
      type: 'object',
      properties: {
        list: { type: 'array', items: { type: 'object', properties: { x: { type: 'integer' } }, required: ['x'] } },
        name: { type: 'string' },
      },
      required: ['name'],
    }
    expect(faults(schema, { list: [{ x: 1 }, { x: 'a' }, {}] })).toEqual([
      { path: 'list[1].x', text: 'must be a whole number' },
      { path: 'list[2].x', text: 'is required' },
      { path: 'name', text: 'is required' },
    ])
  })

  test('looks into the variant that is meant', () => {
    const circle = {
      type: 'object',
      properties: { kind: { const: 'circle' }, radius: { type: 'number', minimum: 0 } },
      required: ['kind', 'radius'],
    }
    const square = { type: 'object', properties: { kind: { const: 'square' }, side: { type: 'number' } }, required: ['kind', 'side'] }
    expect(faults({ oneOf: [square, circle] }, { kind: 'circle', radius: -1 })).toEqual([{ path: 'radius', text: 'must be at least 0' }])
  })
})
