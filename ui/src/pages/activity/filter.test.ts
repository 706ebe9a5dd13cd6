import { describe, expect, it } from 'vitest'
import type { CallSummary } from '../../api/types'
import { isEmpty, matcher, optionsOf, type Filter } from './filter'

const call = (changes: Partial<CallSummary>): CallSummary => ({
  id: 1,
  at: '2026-11-21T12:00:00Z',
  client: { name: 'claude-code', title: 'Claude Code' },
  era: 'legacy',
  session: 's1',
  backend: 'b',
  method: 'tools/call',
  item: 'time_get_current_time',
  target: 'time',
  outcome: 'ok',
  code: null,
  message: null,
  durationMs: 3,
  requestBytes: 100,
  responseBytes: 100,
  ...changes,
})

const filter = (changes: Partial<Filter>): Filter => ({ text: '', target: '', client: '', method: '', outcome: '', ...changes })
const finds = (changes: Partial<Filter>, of: Partial<CallSummary> = {}) => matcher(filter(changes))(call(of))

describe('the text', () => {
  it('may occur in any part', () => {
    expect(finds({ text: 'CURRENT' })).toBe(true)
    expect(finds({ text: 'claude code' })).toBe(true)
    expect(finds({ text: 'missing' }, { message: '`timezone` is missing' })).toBe(true)
    expect(finds({ text: '-32602' }, { code: -32602 })).toBe(true)
  })
  it('has to occur with all its words', () => {
    expect(finds({ text: 'time code' })).toBe(true)
    expect(finds({ text: 'time cursor' })).toBe(false)
  })
  it('does not reach over from one part to the next', () => expect(finds({ text: 'calltime' })).toBe(false))
  it('finds nothing in what a call does not have', () => expect(finds({ text: 'null' }, { item: null, target: null })).toBe(false))
})

describe('choices', () => {
  it('have to be met exactly', () => {
    expect(finds({ target: 'time' })).toBe(true)
    expect(finds({ target: 'tim' })).toBe(false)
  })
  it('have to be met all', () => expect(finds({ target: 'time', outcome: 'error' })).toBe(false))
  it('know clients by the name that is shown', () => {
    expect(finds({ client: 'Claude Code' })).toBe(true)
    expect(finds({ client: 'Unnamed client' }, { client: null })).toBe(true)
  })
  it('are offered once each, in order', () =>
    expect(optionsOf([call({ target: 'time' }), call({ target: 'a' }), call({ target: 'time' }), call({ target: null })], 'target', '')).toEqual(['a', 'time']))
  it('stay when the last such call is forgotten', () => expect(optionsOf([], 'method', 'tools/call')).toEqual(['tools/call']))
})

it('is empty when nothing is looked for', () => {
  expect(isEmpty(filter({}))).toBe(true)
  expect(isEmpty(filter({ method: 'ping' }))).toBe(false)
})
