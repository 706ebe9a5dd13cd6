import { expect, test } from 'vitest'
import { schemaOf } from './schema'
import { startOf } from './start'

const start = (schema: unknown) => startOf(schemaOf(schema), true)

test('a form begins with defaults and the frames of what is required', () => {
  const schema = {
    type: 'object',
    properties: {
      steps: { type: 'integer', default: 5 },
      off: { type: 'boolean', default: false },
      nothing: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
      name: { type: 'string' },
      kind: { const: 'circle' },
      only: { enum: ['one'] },
      box: { type: 'object', properties: { width: { type: 'number', default: 1 }, height: { type: 'number' } } },
      extra: { type: 'object', properties: { a: { default: 1 } } },
      list: { type: 'array', items: { type: 'string', default: 'x' }, minItems: 2 },
    },
    required: ['name', 'kind', 'only', 'box', 'list'],
  }
  expect(start(schema)).toEqual({ steps: 5, off: false, kind: 'circle', only: 'one', box: { width: 1 }, list: ['x', 'x'] })
})

test('a type that has to hold itself ends somewhere', () => {
  const schema = {
    $ref: '#/$defs/node',
    $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, required: ['next'] } },
  }
  expect(JSON.stringify(start(schema)).length).toBeLessThan(200)
})
