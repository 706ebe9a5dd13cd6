import type { CallSummary, TargetState } from '../api/types'
import type { Tone } from './badge'

/** How states look and what they are called, the same everywhere. */
export const targetStates: Record<TargetState, { tone: Tone; word: string }> = {
  starting: { tone: 'info', word: 'Starting' },
  ready: { tone: 'ok', word: 'Ready' },
  failing: { tone: 'bad', word: 'Failing' },
}

export const outcomes: Record<CallSummary['outcome'], { tone: Tone; word: string }> = {
  ok: { tone: 'ok', word: 'OK' },
  toolError: { tone: 'warn', word: 'Tool error' },
  error: { tone: 'bad', word: 'Error' },
  inputRequired: { tone: 'info', word: 'Input required' },
  cancelled: { tone: 'quiet', word: 'Cancelled' },
}
