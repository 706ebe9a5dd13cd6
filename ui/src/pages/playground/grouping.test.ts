import { expect, test } from 'vitest'
import { grouped, matches } from './grouping'

test('items are grouped by target, each kept in order', () => {
  const items = ['time_a', 'everything_b', 'time_c', 'stray']
  const targetOf = (name: string) => (name === 'stray' ? null : (name.split('_')[0] ?? null))
  expect(grouped(items, targetOf)).toEqual([
    { target: 'time', items: ['time_a', 'time_c'] },
    { target: 'everything', items: ['everything_b'] },
    { target: null, items: ['stray'] },
  ])
})

test('a search finds items that have all of its words, wherever they stand', () => {
  const texts = ['time_get_current_time', null, 'Get current time in a timezone']
  expect(matches('', texts)).toBe(true)
  expect(matches('ZONE current', texts)).toBe(true)
  expect(matches('zone convert', texts)).toBe(false)
})
