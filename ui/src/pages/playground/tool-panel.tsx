import { useRef, useState, type KeyboardEvent } from 'react'
import type { Tool } from '../../mcp/types'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { Code } from '../../parts/code'
import { counted } from '../../parts/format'
import { Arguments } from './arguments'
import type { Drafts } from './drafts'
import { type FieldFault } from './form/check'
import { faultsOf, rawProblem } from './form/draft'
import { schemaOf } from './form/schema'
import { Markdown } from './markdown/markdown'
import { ToolMarks } from './tool-marks'
import './tool-panel.css'

interface ToolPanelProps {
  tool: Tool
  /** Whether the server lists it. */
  listed: boolean
  target: string | null
  drafts: Drafts
  busy: boolean
  onCall: (args: unknown) => void
}

/** One tool, and its form. */
export function ToolPanel({ tool, listed, target, drafts, busy, onCall }: ToolPanelProps) {
  const schema = schemaOf(tool.inputSchema)
  const draft = drafts.of(tool.name, schema)
  const [faults, setFaults] = useState<FieldFault[]>([])
  const form = useRef<HTMLFormElement>(null)
  const call = () => {
    if (busy || (draft.mode === 'raw' && rawProblem(draft) !== null)) return
    const found = faultsOf(schema, draft)
    setFaults(found)
    if (found.length === 0) onCall(draft.value)
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid], [data-fault]')?.focus())
  }
  // Before the editor hears it, which would begin a new line.
  const byKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    event.stopPropagation()
    call()
  }
  return (
    <form
      ref={form}
      noValidate
      onKeyDownCapture={byKey}
      onSubmit={(event) => {
        event.preventDefault()
        call()
      }}
    >
      <Card
        title={<span className="mono breakable">{tool.name}</span>}
        actions={
          <Button type="submit" icon="play" size="small" busy={busy}>
            Run tool
          </Button>
        }
        className="tool"
      >
        <div className="tool-words">
          {(tool.title ?? tool.annotations.title) !== null && <p className="tool-title">{tool.title ?? tool.annotations.title}</p>}
          {tool.description !== null && <Markdown text={tool.description} />}
          <p className="tool-marks">
            {target !== null && (
              <span className="quiet">
                Target <span className="mono">{target}</span>
              </span>
            )}
            <ToolMarks annotations={tool.annotations} />
          </p>
          {!listed && (
            <p className="quiet">
              The server does not list this tool, so what it takes is not known here. It may be callable all the same.
            </p>
          )}
        </div>
        <Arguments
          schema={schema}
          draft={draft}
          faults={faults}
          onChange={(next) => {
            drafts.set(tool.name, next)
            // Once they were looked for, they go as they are mended.
            if (faults.length > 0) setFaults(faultsOf(schema, next))
          }}
        />
        <div className="tool-actions">
          <Button type="submit" variant="primary" busy={busy}>
            Call tool
          </Button>
          <kbd>{isMac ? '⌘' : 'Ctrl'} Enter</kbd>
          <Button variant="quiet" onClick={() => (drafts.reset(tool.name), setFaults([]))}>
            Start over
          </Button>
          {faults.length > 0 && (
            <span className="tool-faults" role="alert">
              {counted(faults.length, 'argument needs', 'arguments need')} attention.{' '}
              <Button size="small" variant="quiet" onClick={() => onCall(draft.value)}>
                Call anyway
              </Button>
            </span>
          )}
        </div>
        <Definition key={tool.name} tool={tool} />
      </Card>
    </form>
  )
}

function Definition({ tool }: { tool: Tool }) {
  const [open, setOpen] = useState(false)
  return (
    <details className="tool-schema" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Definition</summary>
      {open && <Code text={JSON.stringify(tool.raw, null, 2)} language="json" wrap copy label={`Definition of ${tool.name}`} />}
    </details>
  )
}

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)
