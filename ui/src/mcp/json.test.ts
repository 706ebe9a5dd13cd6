import { describe, expect, test } from 'vitest'
import { prettyJson, sameJson } from './json'

describe('prettyJson', () => {
  test('lays out as JSON.stringify does', () => {
    const values = [
      {},
      [],
      1,
      'a',
      null,
      { a: [] },
      { a: [1, { b: {} }], c: 'x,:{}[]"\\' },
      [[[]], [{}]],
      { a: { b: 1 }, c: [true, false] },
    ]
    for (const value of values) expect(prettyJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2))
  })

  test('keeps the digits of numbers and the order of members', () => {
    expect(prettyJson('{"2":1.0,"1":12345678901234567890}')).toBe('{\n  "2": 1.0,\n  "1": 12345678901234567890\n}')
  })

  test('is null for what is not JSON', () => {
    expect(prettyJson('Echo: {hello}')).toBeNull()
  })
})

test('sameJson does not mind the order of members', () => {
  expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true)
  expect(sameJson({ a: undefined }, { b: undefined })).toBe(false)
  expect(sameJson([1, 2], [2, 1])).toBe(false)
  expect(sameJson([], {})).toBe(false)
})
