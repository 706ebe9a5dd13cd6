import { useState, type ClipboardEvent } from 'react'
import { TextArea, TextInput } from '../../../parts/inputs'
import { Labelled } from './labelled'
import type { FieldOf } from './value-field'

/** One line, or several if the schema asks for it or the text has them. */
export function TextField(props: FieldOf<'text'>) {
  const { shape, value, onChange } = props
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)
  const [long, setLong] = useState(shape.long || text.includes('\n') || text.length > 100)
  const [unfolded, setUnfolded] = useState(false)
  // Empty is left out; who wants to send an empty text writes it as raw JSON.
  const change = (next: string) => onChange(next === '' ? undefined : next)
  const unfold = (event: ClipboardEvent<HTMLInputElement>) => {
    const pasted = event.clipboardData.getData('text')
    if (!pasted.includes('\n')) return
    event.preventDefault()
    const { selectionStart, selectionEnd } = event.currentTarget
    change(text.slice(0, selectionStart ?? text.length) + pasted + text.slice(selectionEnd ?? text.length))
    setLong(true)
    setUnfolded(true)
  }
  const placeholder = value === null ? 'null' : undefined
  return (
    <Labelled {...props}>
      {(control) =>
        long ? (
          <TextArea
            {...control}
            rows={3}
            value={text}
            placeholder={placeholder}
            autoFocus={unfolded}
            onChange={(event) => change(event.target.value)}
          />
        ) : (
          <TextInput
            {...control}
            {...inputFor(shape.format)}
            value={text}
            placeholder={placeholder}
            onPaste={unfold}
            onChange={(event) => change(event.target.value)}
          />
        )
      }
    </Labelled>
  )
}

function inputFor(format: string | null): { type?: string; inputMode?: 'email' | 'url'; autoComplete?: string } {
  switch (format) {
    case 'date':
      return { type: 'date' }
    case 'password':
      return { type: 'password', autoComplete: 'new-password' }
    case 'email':
      return { inputMode: 'email' }
    case 'uri':
      return { inputMode: 'url' }
    default:
      return {}
  }
}
