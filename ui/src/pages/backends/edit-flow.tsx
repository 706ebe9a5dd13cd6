import { useEffect, useRef, useState, type ReactNode } from 'react'
import { ApiFailure, editConfig, saveConfig, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import type { ConfigStatus, Edit, EditReport, Fault } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { CopyButton } from '../../parts/copy-button'
import { Diff } from '../../parts/diff'
import { listed, sentence } from '../../parts/format'
import { Prose } from '../../parts/prose'
import { useToasts } from '../../parts/toasts'

/** A text that is being worked on and not saved yet: an edit goes into it instead of into the file. */
export interface WorkingText {
  text: string
  take: (report: EditReport) => void
}

export interface EditFlow {
  /** What the edit would change; null before it was made. */
  report: EditReport | null
  /** Why the last step did not work. */
  failure: ApiFailure | null
  busy: 'making' | 'saving' | null
  make: (edit: Edit) => Promise<void>
  save: () => Promise<void>
  /** Back to the form. */
  reset: () => void
}

/** From an edit over a look at what it changes to the file. `done` says what happened, for the toast. */
export function useEditFlow(done: ReactNode, onDone: () => void, working?: WorkingText): EditFlow {
  const [state, setState] = useState<Pick<EditFlow, 'report' | 'failure' | 'busy'>>({ report: null, failure: null, busy: null })
  const toasts = useToasts()

  const make = async (edit: Edit) => {
    setState({ report: null, failure: null, busy: 'making' })
    try {
      setState({ report: await editConfig(edit, working?.text), failure: null, busy: null })
    } catch (error) {
      setState({ report: null, failure: failureOf(error), busy: null })
    }
  }

  const save = async () => {
    const { report } = state
    if (report === null) return
    if (working !== undefined) {
      working.take(report)
      onDone()
      return
    }
    setState({ report, failure: null, busy: 'saving' })
    try {
      const { applied, problem } = await saveConfig(report.revision, report.text)
      onDone()
      if (applied) toasts.show({ tone: 'ok', text: <>{done} The new configuration is in force.</> })
      else
        toasts.show({
          tone: 'bad',
          text: (
            <>
              The file is saved, but not in force. <Prose text={sentence(problem?.text ?? 'The gateway did not say why')} />
            </>
          ),
        })
    } catch (error) {
      setState({ report, failure: failureOf(error), busy: null })
    }
  }

  return { ...state, make, save, reset: () => setState({ report: null, failure: null, busy: null }) }
}

function failureOf(error: unknown): ApiFailure {
  return error instanceof ApiFailure ? error : new ApiFailure(0, { code: 'unknown', error: textOf(error) })
}

/** The changes, and what stands in their way. `again` makes the same edit to the file as it is by now. */
export function EditReview({ flow, again }: { flow: EditFlow; again: () => void }) {
  const start = useRef<HTMLDivElement>(null)
  const status = useStatus()
  const { report, failure } = flow
  useEffect(() => start.current?.focus(), [report === null])
  return (
    <div className="edit-review" ref={start} tabIndex={-1}>
      {failure !== null && <FailureBanner failure={failure} again={again} busy={flow.busy === 'making'} />}
      {report !== null && (
        <>
          {report.faults.length > 0 && (
            <Banner tone="bad" title="With this change the file would not be valid">
              <Faults faults={report.faults} />
            </Banner>
          )}
          {report.restart.length > 0 && (
            <Banner tone="warn" title="Part of this takes effect only when the gateway starts again">
              <Prose text={sentence(listed(report.restart.map((key) => `\`${key}\``)))} />
            </Banner>
          )}
          {status !== null && !status.config.writable && (
            <NotWritable config={status.config} actions={<CopyButton text={report.text} label="Copy the whole new text" />} />
          )}
          <Diff diff={report.diff} />
        </>
      )}
    </div>
  )
}

function FailureBanner({ failure, again, busy }: { failure: ApiFailure; again: () => void; busy: boolean }) {
  if (failure.code === 'changed') {
    return (
      <Banner
        tone="warn"
        title="The file was changed by someone else meanwhile"
        actions={
          <Button busy={busy} onClick={again}>
            Make the edit again
          </Button>
        }
      >
        Nothing was saved. Make the same edit to the file as it is now, and look at the changes once more.
      </Banner>
    )
  }
  return (
    <Banner tone="bad" title="This was not done">
      <Prose text={sentence(failure.text)} />
      <Faults faults={failure.faults} />
    </Banner>
  )
}

export function Faults({ faults }: { faults: Fault[] }) {
  if (faults.length === 0) return null
  return (
    <ul>
      {faults.map((fault, index) => (
        <li key={index}>
          {fault.line > 0 && `Line ${fault.line}: `}
          <Prose text={sentence(fault.hint === undefined ? fault.message : `${fault.message}; ${fault.hint}`)} />
        </li>
      ))}
    </ul>
  )
}

const reasons: Record<ConfigStatus['source'], string> = {
  file: 'The gateway may not write its file, or the folder that it is in. Change the file where it comes from.',
  stdin: 'The gateway read its configuration from standard input. Start it with `-f config.yaml` to change it here.',
  inline: 'The configuration was given on the command line. Start the gateway with `-f config.yaml` to change it here.',
  default: 'The gateway runs without a file and serves its own examples. Start it with `-f config.yaml` to change it here.',
}

/** Why the configuration cannot be saved from here, and what to do instead. */
export function NotWritable({ config, actions }: { config: ConfigStatus; actions?: ReactNode }) {
  return (
    <Banner tone="info" title="The configuration cannot be saved from here" actions={actions}>
      <Prose text={reasons[config.source]} />
    </Banner>
  )
}
