import type { Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import { thingAt, type Thing } from '../yaml/place'
import { describe, schemaAt, type Description, type Schema } from '../yaml/schema'
import { meaningOf } from '../yaml/suggest'
import { wordsOf } from './words'

/** What a key is for, or what a value means, when the mouse rests on it. */
export function hover(schema: Schema): Extension {
  return hoverTooltip((view, pos) => {
    const thing = thingAt(view.state.doc.toString(), pos)
    const description = thing && descriptionOf(schema, thing)
    if (!thing || !description?.text) return null
    return { pos: thing.from, end: thing.to, above: true, create: () => ({ dom: wordsOf(description) }) }
  })
}

function descriptionOf(schema: Schema, { kind, path, text }: Thing): Description | null {
  const found = schemaAt(schema, path)
  if (!found || kind === 'key') return found && describe(found)
  return { text: meaningOf(found, text) ?? '', default: null, choices: [] }
}
