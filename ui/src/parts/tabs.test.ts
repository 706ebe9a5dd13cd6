import { expect, test } from 'vitest'
import { steps } from './tabs'

test('arrows go round, Home and End to the ends', () => {
  expect(steps('ArrowRight', 2, 3)).toBe(0)
  expect(steps('ArrowLeft', 0, 3)).toBe(2)
  expect(steps('Home', 1, 3)).toBe(0)
  expect(steps('End', 1, 3)).toBe(2)
})

test('other keys are left to the browser', () => {
  expect(steps('Tab', 1, 3)).toBeNull()
  expect(steps('ArrowRight', 0, 0)).toBeNull()
})
