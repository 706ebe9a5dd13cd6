import { useEffect, useId, useState, type FormEvent } from 'react'
import { getConfigTarget, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import { backendName } from '../../api/names'
import type { Backend, Edit } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Dialog } from '../../parts/dialog'
import { Loading } from '../../parts/loading'
import { useLoaded } from '../../parts/use-loaded'
import { EditReview, NotWritable, useEditFlow, type WorkingText } from './edit-flow'
import { draftOf, emptyDraft, errorsOf, specOf, type DraftErrors, type TargetDraft } from './target-draft'
import { TargetFields } from './target-fields'
import './target-form.css'

interface TargetDialogProps {
  backend: Backend
  /** The name of the target to edit; null adds one. */
  target: string | null
  onClose: () => void
  /** Where the edit goes if not into the file: a text with changes that are not saved yet. */
  working?: WorkingText
}

/** Adds or edits a target: a form, then a look at what changes in the file, then saving. Mount it to open it. */
export function TargetDialog({ backend, target, onClose, working }: TargetDialogProps) {
  const form = useId()
  const status = useStatus()
  const [draft, setDraft] = useState<TargetDraft | null>(target === null ? emptyDraft : null)
  const [tried, setTried] = useState(false)
  const flow = useEditFlow(
    <>
      Target <code>{draft?.name.trim()}</code> is {target === null ? 'added' : 'changed'}.
    </>,
    onClose,
    working,
  )
  const loaded = useLoaded(target === null ? null : `${backend.key} ${target}`, (signal) =>
    getConfigTarget(backend.key, target ?? '', signal),
  )
  useEffect(() => {
    if (loaded.value !== null) setDraft(draftOf(loaded.value))
  }, [loaded.value])

  const others = backend.targets.map(({ name }) => name).filter((name) => name !== target)
  const edit = (): Edit | null => {
    if (draft === null) return null
    const spec = specOf(draft)
    return target === null
      ? { kind: 'addTarget', backend: backend.key, target: spec }
      : { kind: 'replaceTarget', backend: backend.key, name: target, target: spec }
  }
  const make = () => {
    const made = edit()
    if (made !== null) void flow.make(made)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (draft === null) return
    setTried(true)
    if (Object.keys(errorsOf(draft, others)).length === 0) make()
    else requestAnimationFrame(() => document.getElementById(form)?.querySelector<HTMLElement>('[aria-invalid]')?.focus())
  }

  // Not before the first try: nobody wants to be told off while typing. After it, each correction shows at once.
  const errors: DraftErrors = tried && draft !== null ? errorsOf(draft, others) : {}
  const reviewing = flow.report !== null || flow.failure?.code === 'changed'
  return (
    <Dialog
      open
      wide
      title={target === null ? `Add a target to ${backendName(backend)}` : `Edit target ${target}`}
      onClose={onClose}
      actions={
        reviewing ? (
          <ReviewActions
            flow={flow}
            word={working === undefined ? 'Save' : 'Put into the text'}
            writable={working !== undefined || status?.config.writable !== false}
          />
        ) : (
          <>
            <Button variant="quiet" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" type="submit" form={form} busy={flow.busy === 'making'} disabled={draft === null}>
              Review the change
            </Button>
          </>
        )
      }
    >
      {reviewing ? (
        <EditReview flow={flow} again={make} />
      ) : (
        <form id={form} className="target-form" onSubmit={submit} noValidate>
          {flow.failure !== null && <EditReview flow={flow} again={make} />}
          {working === undefined && status !== null && !status.config.writable && <NotWritable config={status.config} />}
          {loaded.error !== null && (
            <Banner
              tone="bad"
              title="The target could not be read from the file"
              actions={<Button onClick={loaded.reload}>Try again</Button>}
            >
              {textOf(loaded.error)}
            </Banner>
          )}
          {draft !== null ? (
            <TargetFields draft={draft} errors={errors} onChange={(changes) => setDraft({ ...draft, ...changes })} />
          ) : (
            loaded.error === null && <Loading />
          )}
        </form>
      )}
    </Dialog>
  )
}

/** Removes a target after a look at what changes in the file. Mount it to open it. */
export function RemoveTargetDialog({ backend, target, onClose, working }: TargetDialogProps & { target: string }) {
  const status = useStatus()
  const flow = useEditFlow(
    <>
      Target <code>{target}</code> is removed.
    </>,
    onClose,
    working,
  )
  const make = () => void flow.make({ kind: 'removeTarget', backend: backend.key, name: target })
  // Once: the dialog is mounted to ask for this very edit.
  useEffect(make, [])
  return (
    <Dialog
      open
      wide
      title={`Remove target ${target}?`}
      onClose={onClose}
      actions={
        <>
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button
            variant="danger"
            icon="trash"
            busy={flow.busy === 'saving'}
            disabled={
              flow.report === null ||
              flow.report.faults.length > 0 ||
              (working === undefined && status?.config.writable === false)
            }
            onClick={flow.save}
          >
            Remove
          </Button>
        </>
      }
    >
      <div className="target-form">
        <p>
          Its tools, prompts and resources disappear from clients, and its process or connection ends. Calls that run are cut.
        </p>
        {flow.busy === 'making' ? <Loading>Working out what changes …</Loading> : <EditReview flow={flow} again={make} />}
      </div>
    </Dialog>
  )
}

interface ReviewActionsProps {
  flow: ReturnType<typeof useEditFlow>
  word: string
  writable: boolean
}

function ReviewActions({ flow, word, writable }: ReviewActionsProps) {
  const { report } = flow
  const blocked =
    report === null || report.faults.length > 0 || report.diff === '' || !writable || flow.failure?.code === 'changed'
  return (
    <>
      <Button variant="quiet" onClick={flow.reset}>
        Back
      </Button>
      <Button variant="primary" icon="save" busy={flow.busy === 'saving'} disabled={blocked} onClick={flow.save}>
        {word}
      </Button>
    </>
  )
}
