import { expect, it } from 'vitest'
import { destination } from './keys'

it('moves by a row, a page, and to the ends', () => {
  const from = (key: string) => destination(key, 15, 40)
  expect(['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End'].map(from)).toEqual([16, 14, 25, 5, 0, 39])
})

it('stays within the list', () => {
  expect(destination('ArrowUp', 0, 3)).toBe(0)
  expect(destination('PageDown', 1, 3)).toBe(2)
})

it('leaves other keys, and empty lists, alone', () => {
  expect(destination('a', 1, 3)).toBeNull()
  expect(destination('ArrowDown', -1, 0)).toBeNull()
})
