import { useState } from 'react'
import { TextInput } from '../../../parts/inputs'
import { Labelled } from './labelled'
import type { FieldOf } from './value-field'

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** What is no number yet stays as it is typed, and is a text until then. */
export function NumberField(props: FieldOf<'number'>) {
  const { shape, value, onChange } = props
  const [typed, setTyped] = useState(spelling(value))
  // `1.0` is being typed on the way to `1.05`: only another number takes its place.
  const text = valueOf(typed) === value ? typed : spelling(value)
  const change = (next: string) => {
    setTyped(next)
    onChange(valueOf(next))
  }
  return (
    <Labelled {...props}>
      {(control) => (
        <TextInput
          {...control}
          className="mono form-number"
          inputMode={shape.integer ? 'numeric' : 'decimal'}
          value={text}
          placeholder={value === null ? 'null' : undefined}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Labelled>
  )
}

function valueOf(text: string): unknown {
  const plain = text.trim()
  if (plain === '') return undefined
  return NUMBER.test(plain) ? Number(plain) : text
}

function spelling(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
