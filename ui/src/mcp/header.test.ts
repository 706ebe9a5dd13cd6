import { describe, expect, test } from 'vitest'
import { encodeHeader, mirroredHeaders, mirrorOf } from './header'

describe('encodeHeader', () => {
  const rows: [string, string][] = [
    ['everything_echo', 'everything_echo'],
    ['two words', 'two words'],
    ['', ''],
    ['é', '=?base64?w6k=?='],
    ['Grüße 🎉', '=?base64?R3LDvMOfZSDwn46J?='],
    [' x', '=?base64?IHg=?='],
    ['x\t', '=?base64?eAk=?='],
    ['a\nb', '=?base64?YQpi?='],
    ['=?base64?x?=', '=?base64?PT9iYXNlNjQ/eD89?='],
  ]
  test.each(rows)('%j', (value, spelled) => expect(encodeHeader(value)).toBe(spelled))
})

describe('x-mcp-header', () => {
  const schema = {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      limits: { type: 'object', properties: { count: { type: 'integer', 'x-mcp-header': 'Count' } } },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
      // A property may have any name, that of a keyword too.
      default: { type: 'string', 'x-mcp-header': 'Default' },
      plain: { type: 'string', default: { 'x-mcp-header': 'is data here' } },
    },
  }

  test('mirrors strings, integers and booleans, nested ones too', () => {
    expect(mirroredHeaders(schema, { region: 'é', limits: { count: 3 }, dry: false, default: 'd', plain: 'p' })).toEqual({
      'Mcp-Param-Region': '=?base64?w6k=?=',
      'Mcp-Param-Count': '3',
      'Mcp-Param-Dry-Run': 'false',
      'Mcp-Param-Default': 'd',
    })
  })

  test('mirrors nothing that is absent, null or of another type', () => {
    expect(mirroredHeaders(schema, { region: null, limits: 'no object', dry: { a: 1 } })).toEqual({})
  })

  const property = (annotation: unknown, type = 'string') => ({ properties: { a: { type, 'x-mcp-header': annotation } } })
  const faults: [string, object][] = [
    ['no token', property('with space')],
    ['empty', property('')],
    ['no text', property(7)],
    ['a number', property('A', 'number')],
    ['at the top', { type: 'object', 'x-mcp-header': 'A' }],
    ['in items', { properties: { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } } }],
    ['in anyOf', { properties: { a: { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] } } }],
    ['in $defs', { $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } }],
    ['twice', { properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } } }],
  ]
  test.each(faults)('is refused: %s', (_, wrong) => expect(mirrorOf(wrong).fault).toEqual(expect.any(String)))
})
