import { Annotation, Compartment, EditorState, type Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useEffect, useEffectEvent, useLayoutEffect, useRef, type RefObject } from 'react'
import { flushSync } from 'react-dom'
import './style-sheets'
import { common } from './common'
import { changeBetween, lineBreakOf } from './text'

interface EditorOptions {
  value: string
  onChange: (value: string) => void
  label: string
  /** The element that says how to leave the editor. */
  describedBy: string
  readOnly: boolean
  /** Taken once, when the editor is made. */
  extensions: Extension
}

/** A change that came from outside, which is not to be reported back. */
const fromOutside = Annotation.define<true>()

/** An editor in the element that `host` is given to; `view` is there once that is mounted. */
export function useEditor(options: EditorOptions): { host: RefObject<HTMLDivElement | null>; view: RefObject<EditorView | null> } {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const settings = useRef(new Compartment())
  const report = useEffectEvent((value: string) => options.onChange(value))
  const { value, label, describedBy, readOnly } = options
  const initial = useRef({ value, extensions: options.extensions, settings: settingsOf(value, label, describedBy, readOnly) })

  useLayoutEffect(() => {
    if (!host.current) return undefined
    const { value, extensions, settings: first } = initial.current
    const told = EditorView.updateListener.of((update) => {
      const outside = update.transactions.some((transaction) => transaction.annotation(fromOutside))
      // At once: a value that comes back after the next key was pressed would take that key back.
      if (update.docChanged && !outside) flushSync(() => report(update.state.sliceDoc()))
    })
    const made = new EditorView({
      parent: host.current,
      state: EditorState.create({ doc: value, extensions: [settings.current.of(first), extensions, common, told] }),
    })
    view.current = made
    return () => {
      made.destroy()
      view.current = null
    }
  }, [])

  useEffect(() => {
    view.current?.dispatch({ effects: settings.current.reconfigure(settingsOf(value, label, describedBy, readOnly)) })
  }, [lineBreakOf(value), label, describedBy, readOnly])

  useEffect(() => {
    const changes = view.current && changeBetween(view.current.state, value)
    if (changes) view.current?.dispatch({ changes, annotations: fromOutside.of(true) })
  }, [value])

  return { host, view }
}

function settingsOf(value: string, label: string, describedBy: string, readOnly: boolean): Extension {
  const read = readOnly ? { 'aria-readonly': 'true' } : undefined
  return [
    EditorState.lineSeparator.of(lineBreakOf(value)),
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': describedBy, 'aria-multiline': 'true', ...read }),
  ]
}
