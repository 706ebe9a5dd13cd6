import { json, jsonParseLinter } from '@codemirror/lang-json'
import { linter, type Diagnostic } from '@codemirror/lint'
import type { EditorView } from '@codemirror/view'
import { useState } from 'react'
import type { JsonCodeProps } from '../json-editor'
import { lintMarks } from './common'
import { useEditor } from './use-editor'

/** The JSON editor itself, without what stands around it. */
export function JsonCode({ value, onChange, label, describedBy, readOnly = false }: JsonCodeProps) {
  const [extensions] = useState(() => [json(), readOnly ? [] : [lintMarks, linter(mistakes)]])
  const { host } = useEditor({ value, onChange, label, describedBy, readOnly, extensions })
  return <div className="editor-host" ref={host} />
}

const parse = jsonParseLinter()

/** An empty text is not a mistake but a beginning. */
function mistakes(view: EditorView): Diagnostic[] {
  return view.state.doc.toString().trim() === '' ? [] : parse(view)
}
