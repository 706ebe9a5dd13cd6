import { expect, test } from 'vitest'
import type { CatalogItem } from '../../api/types'
import { found, hintsOf } from './catalog'

const item = (name: string, more: Record<string, unknown> = {}): CatalogItem => ({
  kind: 'tool',
  name,
  target: 'time',
  original: name,
  item: { name, ...more },
  tokens: 1,
})

test('a search finds all of its words, in names and descriptions', () => {
  const items = [
    item('time_get_current_time', { description: 'What time is it?' }),
    item('time_convert_time'),
    item('time_zones', { description: 7 }),
  ]
  const names = (search: string) => found(items, search).map(({ name }) => name)
  expect(names('')).toHaveLength(3)
  expect(names('  GET what ')).toEqual(['time_get_current_time'])
  expect(names('get convert')).toEqual([])
})

test('a tool that only reads is not destructive, whatever else it says', () => {
  const words = (annotations: unknown) => hintsOf(item('a', { annotations })).map(({ word }) => word)
  expect(words({ readOnlyHint: true, destructiveHint: true })).toEqual(['Read-only'])
  expect(words({ readOnlyHint: false, destructiveHint: true })).toEqual(['Destructive'])
  expect(words({})).toEqual([])
  expect(words('odd')).toEqual([])
  expect(words(undefined)).toEqual([])
})
