import { useState } from 'react'
import type { CallSummary } from '../../api/types'

export interface Pause {
  /** All of them, or those that were there when it was paused. */
  calls: CallSummary[]
  paused: boolean
  /** How many have come in since. */
  waiting: number
  toggle: () => void
}

/** Calls that stand still for as long as someone wants to read. */
export function usePause(live: CallSummary[]): Pause {
  const [held, setHeld] = useState<CallSummary[] | null>(null)
  const newest = held?.[0]?.id ?? 0
  return {
    calls: held ?? live,
    paused: held !== null,
    waiting: held === null ? 0 : live.filter(({ id }) => id > newest).length,
    toggle: () => setHeld(held === null ? live : null),
  }
}
