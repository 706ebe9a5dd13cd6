import {
  autocompletion,
  snippet,
  startCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import { placeAt, type Place } from '../yaml/place'
import type { Schema } from '../yaml/schema'
import { suggestionsAt, type Suggestion } from '../yaml/suggest'
import { wordsOf } from './words'

/** Keys and values that the schema knows, where they fit. */
export function completion(schema: Schema): Extension {
  const source = (context: CompletionContext) => complete(schema, context)
  return autocompletion({ override: [source], icons: false })
}

function complete(schema: Schema, { state, pos, explicit }: CompletionContext): CompletionResult | null {
  const text = state.doc.toString()
  const place = placeAt(text, pos)
  if (!place) return null
  const suggestions = suggestionsAt(schema, place)
  if (suggestions.length === 0 || (!explicit && !isWanted(text.slice(place.word.from, pos), place, suggestions))) return null
  const line = state.doc.lineAt(pos)
  const lineIndent = line.text.length - line.text.trimStart().length
  const deeper = place.style === 'block' ? ' '.repeat(Math.max(place.column - lineIndent, 0)) : ''
  return {
    from: place.word.from,
    to: place.word.to,
    options: suggestions.map((suggestion, index) => ({ ...optionOf(suggestion, deeper), sortText: inOrder(index) })),
    validFor: /^[\w.$-]*$/,
  }
}

/** A list that nobody asked for must not catch the Enter that was meant for a new line. */
function isWanted(typed: string, { accepts, path }: Place, suggestions: Suggestion[]): boolean {
  if (suggestions.some(({ kind, label }) => kind === 'value' && label === typed)) return false
  if (typed !== '') return true
  return accepts === 'value' ? suggestions.length > 1 : typeof path.at(-1) === 'number'
}

/** The schema's order, or that of the alphabet, which the schema keeps for keys. */
const inOrder = (index: number) => String(index).padStart(4, '0')

function optionOf({ label, detail, description, insert, required, kind }: Suggestion, deeper: string): Completion {
  const template = insert.lines.join(`\n${deeper}`)
  // Without a place to fill in, the cursor would stay before the text.
  const put = snippet(template.includes('${') ? template : template + '${}')
  return {
    label,
    detail,
    boost: required ? 2 : kind === 'item' ? -1 : 0,
    info: () => (description.text ? wordsOf(description) : null),
    apply: (view, option, from, to) => {
      put(view, option, from, to)
      if (insert.continues) startCompletion(view)
    },
  }
}
