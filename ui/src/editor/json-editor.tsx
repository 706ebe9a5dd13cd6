import { lazy } from 'react'
import { Frame } from './frame'

interface JsonEditorProps {
  value: string
  onChange: (value: string) => void
  label: string
  /** The height that it has when it is empty. */
  minLines?: number
  readOnly?: boolean
}

export interface JsonCodeProps extends Omit<JsonEditorProps, 'minLines'> {
  describedBy: string
}

const JsonCode = lazy(async () => ({ default: (await import('./codemirror/editor')).JsonCode }))

/** An editor for JSON; it marks what is not JSON. */
export function JsonEditor({ minLines = 4, ...props }: JsonEditorProps) {
  return (
    <Frame value={props.value} minLines={minLines}>
      {(describedBy) => <JsonCode {...props} describedBy={describedBy} />}
    </Frame>
  )
}
