import { lazy, useState } from 'react'
import type { Fault } from '../api/types'
import { FaultList } from './fault-list'
import { Frame } from './frame'

/** From 1, in characters. */
export interface Position {
  line: number
  column: number
}

interface YamlEditorProps {
  value: string
  onChange: (value: string) => void
  /** What the server found wrong with `value`. */
  faults: Fault[]
  /** JSON schema of the document, for completion and hover. */
  schema: object
  label: string
  /** Ctrl/Cmd+S. */
  onSave: () => void
  /** A new object moves the cursor, even if it names the same place. */
  goTo?: Position | null
  readOnly?: boolean
}

export interface YamlCodeProps extends Required<YamlEditorProps> {
  describedBy: string
}

const YamlCode = lazy(async () => ({ default: (await import('./codemirror/editor')).YamlCode }))

/** An editor for the configuration, with a list of what is wrong below it. */
export function YamlEditor({ goTo = null, readOnly = false, ...props }: YamlEditorProps) {
  const [jump, setJump] = useState<Position | null>(null)
  const [asked, setAsked] = useState(goTo)
  if (asked !== goTo) {
    setAsked(goTo)
    setJump(null)
  }
  return (
    <>
      <Frame value={props.value} className="editor-tall" minLines={16}>
        {(describedBy) => <YamlCode {...props} readOnly={readOnly} goTo={jump ?? goTo} describedBy={describedBy} />}
      </Frame>
      <FaultList faults={props.faults} onJump={setJump} />
    </>
  )
}
