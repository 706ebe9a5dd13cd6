import type { ConfigFile } from '../../api/types'

/** The file as it was read, and what someone makes of it. Nothing here ever throws away typed text unasked. */
export interface Draft {
  /** What the text goes out from, and what a save replaces; null until it was read. */
  file: ConfigFile | null
  text: string
  /** The file as it is now, if someone else changed it while there are unsaved changes here. */
  theirs: ConfigFile | null
  /** Whether the text was replaced because the file had changed. */
  reloaded: boolean
}

export const empty: Draft = { file: null, text: '', theirs: null, reloaded: false }

export type Step =
  | { kind: 'read'; file: ConfigFile }
  | { kind: 'type'; text: string }
  | { kind: 'saved'; file: ConfigFile }
  | { kind: 'discard' | 'takeTheirs' | 'keepMine' | 'noticed' }

export function isChanged({ file, text }: Draft): boolean {
  return file !== null && text !== file.text
}

export function next(draft: Draft, step: Step): Draft {
  switch (step.kind) {
    case 'read':
      return read(draft, step.file)
    case 'type':
      return { ...draft, text: step.text, reloaded: false }
    case 'saved':
      // Whoever went on typing during the save has unsaved changes again.
      return { ...draft, file: step.file, theirs: null, reloaded: false }
    case 'discard':
      return { ...draft, text: draft.file?.text ?? '' }
    case 'takeTheirs':
      return draft.theirs ? { ...empty, file: draft.theirs, text: draft.theirs.text } : draft
    case 'keepMine':
      return draft.theirs ? { ...draft, file: draft.theirs, theirs: null } : draft
    case 'noticed':
      return { ...draft, reloaded: false }
  }
}

function read(draft: Draft, file: ConfigFile): Draft {
  const { file: base, text } = draft
  if (base === null) return { ...empty, file, text: file.text }
  if (file.revision === base.revision || file.text === text) return { ...draft, file, theirs: null }
  if (isChanged(draft)) return { ...draft, theirs: file }
  return { file, text: file.text, theirs: null, reloaded: true }
}
