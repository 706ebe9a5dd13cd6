import { expect, test } from 'vitest'
import { absolute, bytes, compact, counted, duration, listed, number, relative, sentence, share, span } from './format'

test('counts have their word in the right number', () => {
  expect(counted(1, 'total backend')).toBe('1 total backend')
  expect(counted(0, 'target')).toBe('0 targets')
  expect(counted(1234, 'call')).toBe('1,234 calls')
  expect(counted(2, 'MCP', 'MCP')).toBe('2 MCP')
  expect(number(1234567)).toBe('1,234,567')
})

test.each([
  [0, '0'],
  [9999, '9,999'],
  [10_000, '10k'],
  [12_345, '12k'],
  [999_499, '999k'],
  [999_500, '1M'],
  [4_120_000, '4.1M'],
])('%d is %s on a tile', (value, words) => {
  expect(compact(value)).toBe(words)
})

test.each([
  [0, '0 ms'],
  [0.42, '0.4 ms'],
  [0.96, '1 ms'],
  [12.4, '12 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [1250, '1.25 s'],
  [9_994, '9.99 s'],
  [9_996, '10.0 s'],
  [59_949, '59.9 s'],
  [59_951, '1 min'],
  [125_000, '2 min 5 s'],
])('%d ms last %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

test.each([
  [0, '0 s'],
  [0.5, '0 s'],
  [45, '45 s'],
  [3600, '1 h'],
  [3661, '1 h 1 min'],
  [86_400 * 3 + 3600 * 4 + 59, '3 d 4 h'],
  [86_400 + 59, '1 d'],
])('%d seconds span %s', (seconds, words) => {
  expect(span(seconds)).toBe(words)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [10 * 1024, '10 KB'],
  [1024 * 1024 - 1, '1 MB'],
  [64 * 1024 * 1024, '64 MB'],
])('%d bytes are %s', (value, words) => {
  expect(bytes(value)).toBe(words)
})

test('a share never pretends to be nothing or everything', () => {
  expect(share(0, 0)).toBeNull()
  expect(share(0, 10)).toBe('0%')
  expect(share(1, 10_000)).toBe('<0.1%')
  expect(share(4, 1000)).toBe('0.4%')
  expect(share(1, 8)).toBe('13%')
  expect(share(8, 8)).toBe('100%')
})

test('times are told from now, in both directions', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  const at = (seconds: number) => relative(new Date(now + seconds * 1000).toISOString(), now)
  expect(at(0)).toBe('just now')
  expect(at(1)).toBe('just now')
  expect(at(-4)).toBe('just now')
  expect(at(-12)).toBe('12 s ago')
  expect(at(22)).toBe('in 22 s')
  expect(at(-59.7)).toBe('1 min ago')
  expect(at(-3600)).toBe('1 h ago')
  expect(at(-86_400 * 4)).toBe('4 d ago')
  expect(relative('never', now)).toBe('never')
})

test('a date that is none stays as it came', () => {
  expect(absolute('soon')).toBe('soon')
  expect(absolute('2026-11-21T12:00:05')).toBe('2026-11-21 12:00:05')
})

test('lists read like a sentence', () => {
  expect(listed([])).toBe('')
  expect(listed(['time'])).toBe('time')
  expect(listed(['time', 'everything', 'files'])).toBe('time, everything and files')
})

test('reasons of the log become sentences', () => {
  expect(sentence('connection refused')).toBe('Connection refused.')
  expect(sentence('did you mean `args`?')).toBe('Did you mean `args`?')
  expect(sentence('`x` is odd.')).toBe('`x` is odd.')
})
