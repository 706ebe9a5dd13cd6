import type { Traffic } from '../../api/types'

/** The last hour in a few numbers. */
export interface Figures {
  calls: number
  errors: number
  /** The most calls of one bucket. */
  peak: number
  /** Median of the medians, weighted by their calls; null when nothing was called. */
  medianMs: number | null
  minutes: number
}

export function figuresOf({ bucketSeconds, calls, errors, p50Ms }: Traffic): Figures {
  return {
    calls: sum(calls),
    errors: sum(errors),
    peak: Math.max(0, ...calls),
    medianMs: weightedMedian(p50Ms.map((value, index) => ({ value, weight: calls[index] ?? 0 }))),
    minutes: Math.round((bucketSeconds * calls.length) / 60),
  }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

function weightedMedian(all: { value: number | null; weight: number }[]): number | null {
  const known = all.filter((each): each is { value: number; weight: number } => each.value !== null && each.weight > 0)
  known.sort((a, b) => a.value - b.value)
  const half = sum(known.map(({ weight }) => weight)) / 2
  let seen = 0
  for (const { value, weight } of known) {
    seen += weight
    if (seen >= half) return value
  }
  return null
}
