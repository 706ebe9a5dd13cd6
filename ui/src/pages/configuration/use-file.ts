import { useCallback, useEffect, useReducer, useState, type Dispatch } from 'react'
import { ApiFailure, getConfig, saveConfig, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import type { Fault, SaveReport } from '../../api/types'
import { empty, next, type Draft, type Step } from './draft'

export type Saved =
  | { kind: 'saved'; report: SaveReport }
  /** Someone else changed the file; the draft has theirs now. */
  | { kind: 'changed' }
  | { kind: 'invalid'; faults: Fault[] }
  | { kind: 'failed'; text: string }

export interface ConfigurationFile {
  draft: Draft
  dispatch: Dispatch<Step>
  /** Why the file could not be read. */
  failure: string | null
  reload: () => Promise<void>
  saving: boolean
  save: () => Promise<Saved>
}

/** The file, read again whenever it may have changed. */
export function useFile(): ConfigurationFile {
  const [draft, dispatch] = useReducer(next, empty)
  const [failure, setFailure] = useState<string | null>(null)
  const [saving, setSaving] = useState(false)
  const inForce = JSON.stringify(useStatus()?.config ?? null)

  const reload = useCallback(async (signal?: AbortSignal) => {
    try {
      const file = await getConfig(signal)
      if (signal?.aborted) return
      dispatch({ kind: 'read', file })
      setFailure(null)
    } catch (error) {
      if (!signal?.aborted) setFailure(textOf(error))
    }
  }, [])

  // The gateway tells whenever it has read the file, also when nothing but a comment changed.
  useEffect(() => {
    const stop = new AbortController()
    void reload(stop.signal)
    return () => stop.abort()
  }, [inForce, reload])

  const save = async (): Promise<Saved> => {
    const { file, text } = draft
    if (file === null) return { kind: 'failed', text: 'The file has not been read yet.' }
    setSaving(true)
    try {
      const report = await saveConfig(file.revision, text)
      dispatch({ kind: 'saved', file: { ...file, text, revision: report.revision, problem: report.problem } })
      return { kind: 'saved', report }
    } catch (error) {
      if (!(error instanceof ApiFailure)) return { kind: 'failed', text: textOf(error) }
      if (error.status === 422) return { kind: 'invalid', faults: error.faults }
      if (error.code === 'changed' || error.code === 'readOnly') await reload()
      return error.code === 'changed' ? { kind: 'changed' } : { kind: 'failed', text: error.text }
    } finally {
      setSaving(false)
    }
  }

  return { draft, dispatch, failure, reload, saving, save }
}
