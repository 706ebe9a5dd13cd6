import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../mcp/exchange'
import type { Message } from '../../mcp/message'
import { asLines, headingOf, kindOf } from './message-words'
import type { LogRow } from './wire-log'

const exchange: Exchange = {
  ...{ id: 1, verb: 'POST', url: 'http://x/mcp', method: 'tools/call', startedAt: 0, status: 200, durationMs: 1 },
  ...{ session: null, protocolVersion: null, failure: null, messages: [] },
}

const row = (message: object | null, { direction = 'received', text = JSON.stringify(message) }: Partial<LogRow> = {}): LogRow => ({
  ...{ id: 1, direction, at: 0, text, exchange },
  message: message as Message | null,
})

describe('a message', () => {
  const rows: [string, ReturnType<typeof kindOf>, LogRow][] = [
    ['tools/call', 'request', row({ id: 1, method: 'tools/call' }, { direction: 'sent' })],
    ['notifications/progress', 'notification', row({ method: 'notifications/progress' })],
    ['result to tools/call', 'response', row({ id: 1, result: {} })],
    ['error -32602 to tools/call', 'response', row({ id: 1, error: { code: -32602, message: 'no' } })],
    ['our answer', 'response', row({ id: 7, result: {} }, { direction: 'sent' })],
    ['our refusal', 'response', row({ id: 7, error: { code: -1, message: 'no' } }, { direction: 'sent' })],
    ['not JSON-RPC', null, row(null, { text: '<html>' })],
  ]
  test.each(rows)('is headed %s', (heading, kind, message) => {
    expect(headingOf(message)).toBe(heading)
    expect(kindOf(message)).toBe(kind)
  })
})

test('lines are oldest first, each JSON, with messages as they were spelled', () => {
  const lines = asLines([
    row(null, { text: 'not "JSON"\n' }),
    row({ id: 1, result: { n: 1 } }, { text: '{"id":1,\n"result":{"n":1.0}}' }),
  ]).split('\n')
  expect(lines).toEqual([
    '{"at":"1970-01-01T00:00:00.000Z","direction":"received","message":{"id":1,"result":{"n":1.0}}}',
    '{"at":"1970-01-01T00:00:00.000Z","direction":"received","message":"not \\"JSON\\"\\n"}',
  ])
})
