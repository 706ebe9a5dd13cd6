import { useState } from 'react'
import { sameJson } from '../../../mcp/json'
import { TextArea } from '../../../parts/inputs'
import { Labelled } from './labelled'
import { NotJson, parsed, spelled } from './not-json'
import type { FieldOf } from './value-field'

/** For what no field can show: the JSON itself. */
export function JsonField(props: FieldOf<'json'>) {
  const { value, onChange } = props
  const [typed, setTyped] = useState(spelled(value))
  const here = parsed(typed)
  const same = here instanceof NotJson && value instanceof NotJson ? here.text === value.text : sameJson(here, value)
  const change = (next: string) => {
    setTyped(next)
    onChange(parsed(next))
  }
  return (
    <Labelled {...props}>
      {(control) => (
        <TextArea
          {...control}
          className="mono"
          rows={3}
          value={same ? typed : spelled(value)}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Labelled>
  )
}
