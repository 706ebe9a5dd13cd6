import { isObject } from '../../../mcp/json'
import { checkValue, type FieldFault } from './check'
import type { Schema } from './schema'
import { startOf } from './start'

/** Arguments that are being filled in, by form or as JSON text; both say the same. */
export interface Draft {
  mode: 'form' | 'raw'
  /** What would be sent. */
  value: unknown
  /** The text as it was typed. It counts while it is not JSON, or says what the value says. */
  raw: string | null
}

/** `given` are arguments that come from elsewhere. */
export function newDraft(schema: Schema, given?: unknown): Draft {
  const value = given ?? startOf(schema, true) ?? {}
  // A form could not show what is no object.
  return { mode: isObject(value) ? 'form' : 'raw', value, raw: null }
}

export function withValue(draft: Draft, value: unknown): Draft {
  return { ...draft, value, raw: null }
}

export function withRaw(draft: Draft, raw: string): Draft {
  const value = parse(raw)
  return value === undefined ? { ...draft, raw } : { ...draft, raw, value }
}

export function rawOf({ raw, value }: Draft): string {
  return raw ?? JSON.stringify(value, null, 2)
}

/** Why the text cannot be sent; null if it can. */
export function rawProblem(draft: Draft): string | null {
  if (draft.raw === null || parse(draft.raw) !== undefined) return null
  return 'This is not JSON yet.'
}

/** What keeps a form from being sent. Raw JSON is sent as it is: trying odd values is what it is for. */
export function faultsOf(schema: Schema, draft: Draft): FieldFault[] {
  return draft.mode === 'form' ? checkValue(schema, draft.value) : []
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
