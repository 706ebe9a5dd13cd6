import { describe, expect, test } from 'vitest'
import { type Schema, schemaOf, type Shape, shapeOf, type ShapeOf } from './schema'

const shape = (schema: unknown, name?: string) => shapeOf(schemaOf(schema), name)

function as<K extends Shape['kind']>(kind: K, found: Shape): ShapeOf<K> {
  expect(found.kind).toBe(kind)
  return found as ShapeOf<K>
}

const property = (schema: Schema, name: string) => {
  const { properties } = as('object', shapeOf(schema))
  return shapeOf((properties.find((each) => each.name === name) as { schema: Schema }).schema, name)
}

describe('shapeOf', () => {
  test('knows the plain types, with what they say of themselves', () => {
    expect(shape({ type: 'string', title: 'T', description: 'D', default: 'd', format: 'email', maxLength: 9 })).toMatchObject({
      ...{ kind: 'text', title: 'T', description: 'D', default: 'd', nullable: false, format: 'email', maxLength: 9, long: false },
    })
    expect(shape({ type: 'integer', minimum: 1, exclusiveMaximum: 10 })).toMatchObject({
      ...{ kind: 'number', integer: true, min: { value: 1, exclusive: false }, max: { value: 10, exclusive: true } },
    })
    expect(shape({ type: 'number', minimum: 1, exclusiveMinimum: true })).toMatchObject({ min: { value: 1, exclusive: true } })
    expect(shape({ type: 'boolean' })).toMatchObject({ kind: 'boolean' })
    expect(shape({ type: 'array', items: { type: 'string' }, minItems: 1 })).toMatchObject({ kind: 'array', minItems: 1 })
  })

  test('gives texts that tend to be long several lines', () => {
    expect(shape({ type: 'string' }, 'query')).toMatchObject({ long: true })
    expect(shape({ type: 'string', maxLength: 5000 }, 'a')).toMatchObject({ long: true })
    expect(shape({ type: 'string' }, 'timezone')).toMatchObject({ long: false })
  })

  test('keeps the order of properties, and which are required', () => {
    const { properties } = as('object', shape({ properties: { b: {}, a: {}, never: false }, required: ['a'] }))
    expect(properties.map(({ name, required }) => [name, required])).toEqual([
      ['b', false],
      ['a', true],
    ])
  })

  describe('reads what may be chosen', () => {
    const options = [
      { value: 'r', label: 'Red' },
      { value: 'g', label: 'Green' },
    ]
    const titled = [
      { const: 'r', title: 'Red' },
      { const: 'g', title: 'Green' },
    ]
    test.each([
      ['enum with names', { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] }],
      ['oneOf', { type: 'string', oneOf: titled }],
      ['anyOf', { anyOf: titled }],
      ['by reference', { $ref: '#/$defs/c', $defs: { c: { oneOf: titled } } }],
    ])('from %s', (_, schema) => expect(as('enum', shape(schema)).options).toEqual(options))

    test('of any type', () => {
      expect(as('enum', shape({ enum: [1, true, 'x'] })).options.map(({ label }) => label)).toEqual(['1', 'true', 'x'])
    })

    test('several at once', () => {
      expect(as('flags', shape({ type: 'array', items: { anyOf: titled }, maxItems: 2 })).options).toEqual(options)
      expect(as('flags', shape({ type: 'array', items: { enum: ['r'] } })).options).toHaveLength(1)
    })
  })

  describe('takes null out of the field', () => {
    test.each([
      ['a list of types', { type: ['string', 'null'], title: 'T' }],
      ['anyOf', { anyOf: [{ type: 'string' }, { type: 'null' }], title: 'T', default: null }],
      ['the older word', { type: 'string', nullable: true, title: 'T' }],
    ])('said by %s', (_, schema) => expect(shape(schema)).toMatchObject({ kind: 'text', nullable: true, title: 'T' }))

    test('of an enum', () => {
      expect(shape({ type: ['string', 'null'], enum: ['a', null] })).toMatchObject({
        kind: 'enum',
        nullable: true,
        options: [{ value: 'a' }],
      })
    })

    test('among several types', () => {
      const choice = as('choice', shape({ type: ['string', 'integer', 'null'] }))
      expect(choice.nullable).toBe(true)
      expect(choice.variants.map(({ label }) => label)).toEqual(['string', 'integer'])
    })
  })

  describe('offers alternatives', () => {
    test('named by title, constant, type or members', () => {
      const schema = {
        anyOf: [
          { title: 'By name', type: 'string' },
          { type: 'object', properties: { kind: { const: 'circle' }, radius: { type: 'number' } } },
          { type: 'object', properties: { width: {}, height: {} } },
          { type: 'array', items: { type: 'integer' } },
          { type: 'integer' },
        ],
      }
      const { variants } = as('choice', shape(schema))
      expect(variants.map(({ label }) => label)).toEqual(['By name', 'circle', 'width, height', 'list of integer', 'integer'])
    })

    test('that share what stands beside them', () => {
      const schema = {
        type: 'object',
        properties: { a: {} },
        required: ['a'],
        oneOf: [{ properties: { b: {} }, required: ['b'] }, { properties: { c: {} } }],
      }
      const { variants } = as('choice', shape(schema))
      const first = as('object', shapeOf((variants[0] as { schema: Schema }).schema))
      expect(first.properties.map(({ name, required }) => [name, required])).toEqual([
        ['a', true],
        ['b', true],
      ])
    })

    test('but not those that only say what goes with what', () => {
      const schema = { type: 'object', properties: { a: {}, b: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }
      expect(as('object', shape(schema)).properties).toHaveLength(2)
    })
  })

  describe('follows references', () => {
    test('with what is said beside them, escaped names, and back to the top', () => {
      const schema = schemaOf({
        type: 'object',
        properties: { city: { $ref: '#/$defs/a~1b%20c', description: 'here' }, again: { $ref: '#' } },
        $defs: { 'a/b c': { type: 'string', description: 'there' } },
      })
      expect(property(schema, 'city')).toMatchObject({ kind: 'text', description: 'here' })
      expect(property(schema, 'again').kind).toBe('object')
    })

    test.each([
      ['circles', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }],
      ['to nowhere', { $ref: '#/$defs/none' }],
      ['to other documents', { $ref: 'https://example.com/schema.json' }],
    ])('and gives up on %s', (_, schema) => expect(shape(schema).kind).toBe('json'))
  })

  test('merges what allOf says', () => {
    const schema = {
      allOf: [{ $ref: '#/$defs/a' }, { properties: { b: { type: 'boolean' } } }],
      required: ['b'],
      $defs: { a: { properties: { a: {} }, required: ['a'] } },
    }
    expect(as('object', shape(schema)).properties.map(({ name, required }) => [name, required])).toEqual([
      ['a', true],
      ['b', true],
    ])
  })

  test.each([
    ['anything', {}],
    ['true', true],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }],
    ['a tuple', { type: 'array', prefixItems: [{}, {}] }],
    ['an array of anything', { type: 'array' }],
    ['a type that nobody knows', { type: 'date' }],
  ])('leaves %s to JSON text', (_, schema) => expect(shape(schema).kind).toBe('json'))

  test('of a tool without arguments is an object without properties', () => {
    expect(as('object', shape({ type: 'object', additionalProperties: false })).properties).toEqual([])
  })
})
