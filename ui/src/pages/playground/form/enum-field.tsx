import { sameJson } from '../../../mcp/json'
import { Select } from '../../../parts/inputs'
import { Labelled } from './labelled'
import type { Option } from './schema'
import type { FieldOf } from './value-field'

/** One of some values. A value that is none of them is shown as what it is. */
export function EnumField(props: FieldOf<'enum' | 'constant'> & { options: Option[] }) {
  const { options, value, required, onChange } = props
  const at = options.findIndex((option) => sameJson(option.value, value))
  const stranger = at === -1 && value !== undefined && value !== null
  return (
    <Labelled {...props}>
      {(control) => (
        <Select
          {...control}
          value={stranger ? 'stranger' : String(at)}
          onChange={({ target }) => onChange(options[Number(target.value)]?.value)}
        >
          <option value="-1">{value === null ? 'null' : required ? 'Choose …' : 'not set'}</option>
          {stranger && <option value="stranger">{JSON.stringify(value)}</option>}
          {options.map(({ label }, index) => (
            <option key={index} value={index}>
              {label}
            </option>
          ))}
        </Select>
      )}
    </Labelled>
  )
}
