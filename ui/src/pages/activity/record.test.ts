import { expect, it } from 'vitest'
import type { CallDetail } from '../../api/types'
import { asText } from './record'

const detail = (changes: Partial<CallDetail>): CallDetail => ({
  id: 7,
  at: '2026-11-21T12:00:00Z',
  client: null,
  era: 'modern',
  session: null,
  backend: 'b',
  method: 'tools/call',
  item: 't',
  target: 'time',
  outcome: 'ok',
  code: null,
  message: null,
  durationMs: 3,
  requestBytes: 1,
  responseBytes: 1,
  params: '{"n":12345678901234567890}',
  paramsCut: false,
  response: null,
  responseCut: false,
  ...changes,
})

it('holds what was sent as JSON, digit by digit', () => {
  expect(asText(detail({}))).toContain('"params": {\n    "n": 12345678901234567890\n  }')
})

it('keeps what was cut as text', () => {
  expect(JSON.parse(asText(detail({ params: '{"a":"b', paramsCut: true })))).toMatchObject({ id: 7, params: '{"a":"b', response: null })
})

it('keeps as text what was never JSON', () => {
  expect(JSON.parse(asText(detail({ response: 'oops' })))).toMatchObject({ response: 'oops' })
})
