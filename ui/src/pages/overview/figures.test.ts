import { expect, test } from 'vitest'
import { figuresOf } from './figures'

test('an hour without calls has no median', () => {
  const traffic = { bucketSeconds: 60, calls: [0, 0], errors: [0, 0], p50Ms: [null, null] }
  expect(figuresOf(traffic)).toEqual({ calls: 0, errors: 0, peak: 0, medianMs: null, minutes: 2 })
})

test('a busy minute counts for more than a quiet one', () => {
  const traffic = { bucketSeconds: 60, calls: [1, 98, 1], errors: [0, 2, 1], p50Ms: [900, 4, 700] }
  expect(figuresOf(traffic)).toEqual({ calls: 100, errors: 3, peak: 98, medianMs: 4, minutes: 3 })
})
