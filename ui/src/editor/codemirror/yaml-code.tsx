import { yaml } from '@codemirror/lang-yaml'
import { Compartment } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useEffectEvent, useState } from 'react'
import type { YamlCodeProps } from '../yaml-editor'
import type { Schema } from '../yaml/schema'
import { lintMarks } from './common'
import { completion } from './completion'
import { markFaults } from './faults'
import { hover } from './hover'
import { indent } from './indent'
import { offsetAt } from './text'
import { useEditor } from './use-editor'

/** The YAML editor itself, without what stands around it. */
export function YamlCode({ value, onChange, faults, schema, label, describedBy, readOnly, onSave, goTo }: YamlCodeProps) {
  const save = useEffectEvent(() => onSave())
  const [knowledge] = useState(() => new Compartment())
  const saveKey = { key: 'Mod-s', preventDefault: true, run: () => (save(), true) }
  const extensions = [yaml(), indent, lintMarks, knowledge.of([]), keymap.of([saveKey])]
  const { host, view } = useEditor({ value, onChange, label, describedBy, readOnly, extensions })

  useEffect(() => {
    view.current?.dispatch({ effects: knowledge.reconfigure([completion(schema as Schema), hover(schema as Schema)]) })
  }, [schema, knowledge, view])

  useEffect(() => {
    if (view.current) view.current.dispatch(markFaults(view.current.state, faults))
  }, [faults, view])

  useEffect(() => {
    const shown = view.current
    if (!goTo || !shown) return
    const anchor = offsetAt(shown.state.doc, goTo.line, goTo.column)
    shown.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) })
    shown.focus()
  }, [goTo, view])

  return <div className="editor-host" ref={host} />
}
