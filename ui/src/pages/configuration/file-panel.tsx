import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import { getConfigSchema } from '../../api/client'
import { useStatus } from '../../api/live'
import type { CheckReport, ConfigFile, Fault } from '../../api/types'
import { YamlEditor, type Position } from '../../editor/yaml-editor'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { CopyButton } from '../../parts/copy-button'
import { sentence } from '../../parts/format'
import { Prose } from '../../parts/prose'
import { useToasts } from '../../parts/toasts'
import { useLoaded } from '../../parts/use-loaded'
import { usePlace } from '../../router'
import { NotWritable } from '../backends/edit-flow'
import { CheckState } from './check-state'
import { Conflict } from './conflict'
import { isChanged } from './draft'
import { RestartKeys } from './restart-keys'
import { Review } from './review'
import { useCheck } from './use-check'
import type { ConfigurationFile, Saved } from './use-file'

const noSchema = {}

/** The editor, what is to be known before one uses it, and the way from a change to a saved file. */
export function FilePanel({ file, draft, dispatch, saving, save }: ConfigurationFile & { file: ConfigFile }) {
  // Without it the editor still works; only completion has nothing to offer.
  const schema = useLoaded('schema', getConfigSchema).value ?? noSchema
  const toasts = useToasts()
  const status = useStatus()
  const restart = status?.config.restart ?? []
  const check = useCheck(draft.text, (draft.theirs ?? file).revision)
  const [rejected, setRejected] = useState<{ text: string; faults: Fault[] } | null>(null)
  const [jump, setJump] = useState<Position | null>(null)
  const [review, setReview] = useState<{ report: CheckReport | null } | null>(null)
  const asked = useAskedPosition()
  const faults = rejected?.text === draft.text ? rejected.faults : (check.report?.faults ?? [])
  const changed = isChanged(draft)

  const toFirst = (found: Fault[]) => {
    const first = found.find(({ line }) => line > 0)
    if (first) setJump({ line: first.line, column: first.column })
  }

  const checkNow = async () => {
    const report = await check.now()
    if (report === null) return
    if (report.faults.length === 0) toasts.show({ tone: 'ok', text: 'No faults.' })
    toFirst(report.faults)
  }

  const openReview = async () => {
    setReview({ report: null })
    const report = await check.now()
    setReview((open) => (open && report ? { report } : null))
  }

  const discard = () => {
    dispatch({ kind: 'discard' })
    toasts.show({ tone: 'info', text: 'Your changes are discarded. Undo in the editor brings them back.' })
  }

  const told = (saved: Saved) => {
    switch (saved.kind) {
      case 'saved':
        return toasts.show(wordsOf(saved.report.applied, saved.report.problem?.text))
      case 'changed':
        return toasts.show({ tone: 'warn', text: 'Not saved: the file was changed by someone else.' })
      case 'invalid':
        setRejected({ text: draft.text, faults: saved.faults })
        toFirst(saved.faults)
        return toasts.show({ tone: 'bad', text: 'Not saved: the text has faults.' })
      case 'failed':
        return toasts.show({ tone: 'bad', text: `Not saved: ${saved.text}` })
    }
  }

  const saveNow = async () => {
    if (!file.writable) return toasts.show({ tone: 'warn', text: 'This configuration cannot be saved from here.' })
    if (draft.theirs) return toasts.show({ tone: 'warn', text: 'First decide whose text to keep, above the editor.' })
    if (!changed || saving) return undefined
    const saved = await save()
    setReview(null)
    return told(saved)
  }
  useSaveKey(() => void saveNow())

  return (
    <section className="file-panel" aria-label="Configuration file">
      {!file.writable && status && (
        <NotWritable config={status.config} actions={<CopyButton text={file.text} label="Copy the text" />} />
      )}
      {draft.theirs && (
        <Conflict
          diff={check.busy ? null : (check.report?.diff ?? null)}
          text={draft.text}
          onTakeTheirs={() => dispatch({ kind: 'takeTheirs' })}
          onKeepMine={() => dispatch({ kind: 'keepMine' })}
        />
      )}
      {draft.reloaded && (
        <Banner
          tone="info"
          title="The file changed on disk, and this is its new text"
          actions={<Button onClick={() => dispatch({ kind: 'noticed' })}>Dismiss</Button>}
        />
      )}
      {file.problem && !changed && (
        <Banner tone="bad" title="The file as it is now is not in force">
          <p>The gateway goes on with the last configuration that it could take over.</p>
          {file.problem.faults.length === 0 && <Prose text={sentence(file.problem.text)} />}
        </Banner>
      )}
      {restart.length > 0 && (
        <Banner tone="warn" title="Some saved changes take effect only at the next start">
          <RestartKeys keys={restart} />
        </Banner>
      )}
      <div className="file-tools">
        <CheckState check={check} faults={faults} />
        <div className="file-buttons">
          {changed && (
            <Button variant="quiet" onClick={discard}>
              Discard
            </Button>
          )}
          <Button onClick={() => void checkNow()}>Check</Button>
          {file.writable && (
            <>
              <Button disabled={!changed} onClick={() => void openReview()}>
                Review changes
              </Button>
              <Button
                variant="primary"
                icon="save"
                busy={saving}
                disabled={!changed || draft.theirs !== null}
                aria-keyshortcuts="Control+S Meta+S"
                title="Ctrl+S or ⌘S"
                onClick={() => void saveNow()}
              >
                Save
              </Button>
            </>
          )}
        </div>
      </div>
      <YamlEditor
        label="Configuration as YAML"
        value={draft.text}
        onChange={(text) => dispatch({ kind: 'type', text })}
        faults={faults}
        schema={schema}
        readOnly={!file.writable}
        goTo={jump ?? asked}
        onSave={() => void saveNow()}
      />
      <Review
        open={review !== null}
        onClose={() => setReview(null)}
        report={review?.report ?? null}
        saving={saving}
        blocked={draft.theirs !== null}
        onSave={() => void saveNow()}
      />
    </section>
  )
}

function wordsOf(applied: boolean, problem: string | undefined) {
  if (applied) return { tone: 'ok' as const, text: 'Saved and in force.' }
  return { tone: 'bad' as const, text: `Saved, but not in force: ${problem ?? 'the gateway has not taken it over yet.'}` }
}

/** Where a link from another page leads: `configuration?line=7&column=3`. */
function useAskedPosition(): Position | null {
  const { query } = usePlace()
  const line = Number(query.get('line'))
  const column = Number(query.get('column') ?? 1)
  return useMemo(() => (line > 0 ? { line, column: column > 0 ? column : 1 } : null), [line, column])
}

/** Ctrl/Cmd+S outside of the editor; inside, the editor has seen it already. */
function useSaveKey(onSave: () => void) {
  const save = useEffectEvent(onSave)
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.key.toLowerCase() !== 's' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      save()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [])
}
