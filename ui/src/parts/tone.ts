import type { CallSummary, Target, TargetState } from '../api/types'
import type { Tone } from './badge'

/** How states look and what they are called, the same everywhere. */
const targetStates: Record<TargetState, { tone: Tone; word: string }> = {
  starting: { tone: 'info', word: 'Starting' },
  ready: { tone: 'ok', word: 'Ready' },
  failing: { tone: 'bad', word: 'Failing' },
}

/** How a target is doing. One that is there, but whose calls are refused because they fail all the time, is not ready. */
export function conditionOf({ state, breaker }: Target): { tone: Tone; word: string } {
  if (state !== 'ready' || breaker.state === 'closed') return targetStates[state]
  return { tone: 'bad', word: breaker.state === 'open' ? 'Breaker open' : 'Breaker half-open' }
}

export const outcomes: Record<CallSummary['outcome'], { tone: Tone; word: string }> = {
  ok: { tone: 'ok', word: 'OK' },
  toolError: { tone: 'warn', word: 'Tool error' },
  error: { tone: 'bad', word: 'Error' },
  inputRequired: { tone: 'info', word: 'Input required' },
  cancelled: { tone: 'quiet', word: 'Cancelled' },
}
