import { expect, test } from 'vitest'
import { replayOf } from './replay'

const call = { backend: 'b', method: 'tools/call', item: 'time_now', params: { name: 'time_now', arguments: { timezone: 'UTC' } } }

test('a call comes back with its arguments, as JSON or as text of it', () => {
  const expected = { route: null, backend: 'b', tab: 'tools', item: 'time_now', args: { timezone: 'UTC' } }
  expect(replayOf(JSON.stringify(call))).toEqual(expected)
  expect(replayOf(JSON.stringify({ ...call, params: JSON.stringify(call.params) }))).toEqual(expected)
})

test('arguments that were cut or not kept are left to the person', () => {
  expect(replayOf(JSON.stringify({ ...call, params: '{"name": "time_n' }))).toMatchObject({ item: 'time_now', args: undefined })
  expect(replayOf(JSON.stringify({ ...call, params: null }))).toMatchObject({ args: undefined })
})

test.each(['', '7', '{}', JSON.stringify({ ...call, method: 'tools/list', item: null })])('%j cannot be made again', (text) => {
  expect(replayOf(text)).toBeNull()
})
