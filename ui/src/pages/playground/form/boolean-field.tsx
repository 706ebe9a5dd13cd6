import { Select, Switch } from '../../../parts/inputs'
import { Labelled } from './labelled'
import type { FieldOf } from './value-field'

/** A switch; or, where leaving it out is a third way, a choice of three. */
export function BooleanField(props: FieldOf<'boolean'>) {
  const { shape, value, required, onChange } = props
  const alwaysThere = (required || typeof shape.default === 'boolean') && typeof value === 'boolean'
  return (
    <Labelled {...props}>
      {(control) =>
        alwaysThere ? (
          <Switch {...control} checked={value} onChange={(event) => onChange(event.target.checked)} />
        ) : (
          <Select
            {...control}
            className="form-short"
            value={String(value ?? '')}
            onChange={({ target }) => onChange(target.value === '' ? undefined : target.value === 'true')}
          >
            <option value="">not set</option>
            <option value="true">true</option>
            <option value="false">false</option>
          </Select>
        )
      }
    </Labelled>
  )
}
