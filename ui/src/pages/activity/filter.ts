import { clientName } from '../../api/names'
import type { CallSummary } from '../../api/types'

/** What is looked for; empty texts look for everything. */
export interface Filter {
  text: string
  target: string
  client: string
  method: string
  outcome: string
}

export type Choice = Exclude<keyof Filter, 'text'>

export const choices: Choice[] = ['target', 'client', 'method', 'outcome']

export function isEmpty(filter: Filter): boolean {
  return Object.values(filter).every((part) => part === '')
}

/** What a call says to each of the choices; null if it says nothing. */
export const facets: Record<Choice, (call: CallSummary) => string | null> = {
  target: ({ target }) => target,
  client: ({ client }) => clientName(client),
  method: ({ method }) => method,
  outcome: ({ outcome }) => outcome,
}

/** Every word of the text has to occur somewhere in what is shown of a call. */
export function matcher(filter: Filter): (call: CallSummary) => boolean {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return (call) => {
    if (choices.some((choice) => filter[choice] !== '' && facets[choice](call) !== filter[choice])) return false
    if (words.length === 0) return true
    const shown = [call.method, call.item, call.target, clientName(call.client), call.era, call.message, call.code, call.id]
    const all = shown.filter((part) => part !== null).join('\n').toLowerCase()
    return words.every((word) => all.includes(word))
  }
}

/** What there is to choose from, and what is chosen already, even if no call is left that says so. */
export function optionsOf(calls: CallSummary[], choice: Choice, chosen: string): string[] {
  const said = new Set(calls.flatMap((call) => facets[choice](call) ?? []))
  if (chosen !== '') said.add(chosen)
  return [...said].sort((a, b) => a.localeCompare(b))
}
