import { useState } from 'react'
import { type Draft, newDraft } from './form/draft'
import type { Schema } from './form/schema'

/** What was filled in for each tool, so that looking at another one loses nothing. */
export type Drafts = ReturnType<typeof useDrafts>

export function useDrafts() {
  const [drafts, setDrafts] = useState<Record<string, Draft>>({})
  return {
    of: (name: string, schema: Schema): Draft => drafts[name] ?? newDraft(schema),
    set: (name: string, draft: Draft) => setDrafts((all) => ({ ...all, [name]: draft })),
    reset: (name: string) => setDrafts(({ [name]: _, ...others }) => others),
  }
}
