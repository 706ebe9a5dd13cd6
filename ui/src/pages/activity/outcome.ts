import type { CallSummary } from '../../api/types'
import type { Tone } from '../../parts/badge'

type Outcome = CallSummary['outcome']

/** How each outcome is said, and how bad it is. */
export const outcomes: Record<Outcome, { word: string; tone: Tone; meaning: string }> = {
  ok: { word: 'OK', tone: 'ok', meaning: 'The target answered with a result.' },
  toolError: { word: 'Tool error', tone: 'warn', meaning: 'The tool ran, and says in its result that it failed.' },
  error: { word: 'Error', tone: 'bad', meaning: 'The call was answered with a JSON-RPC error.' },
  inputRequired: {
    word: 'Needs input',
    tone: 'info',
    meaning: 'The target asks the client for something; the client makes the call again with the answer.',
  },
  cancelled: { word: 'Cancelled', tone: 'quiet', meaning: 'The client gave up before there was an answer.' },
}

/** An outcome from the address bar may be any text. */
export function isOutcome(text: string): text is Outcome {
  return text in outcomes
}
