import { sameJson } from '../../../mcp/json'
import { Checkbox } from '../../../parts/inputs'
import { Group } from './labelled'
import type { FieldOf } from './value-field'

/** Any number of fixed values. None at all is left out. */
export function FlagsField({ shape, value, onChange, ...rest }: FieldOf<'flags'>) {
  const chosen = Array.isArray(value) ? value : []
  const has = (option: unknown) => chosen.some((each) => sameJson(each, option))
  const toggle = (toggled: unknown) => {
    const next = shape.options.map((option) => option.value).filter((option) => has(option) !== sameJson(option, toggled))
    onChange(next.length === 0 ? undefined : next)
  }
  return (
    <Group {...rest} shape={shape}>
      <div className="form-flags">
        {shape.options.map(({ value: option, label }) => (
          <Checkbox key={label} label={label} checked={has(option)} onChange={() => toggle(option)} />
        ))}
      </div>
    </Group>
  )
}
