import { useState } from 'react'
import { isObject } from '../../../mcp/json'
import { Select } from '../../../parts/inputs'
import { fittingVariant } from './check'
import { Group } from './labelled'
import { Members } from './object-field'
import { shapeOf } from './schema'
import { blank, filledIn } from './start'
import { ValueField, type FieldOf, type ValueFieldProps } from './value-field'

/** A value that may have one of several forms: which one, and then that. */
export function ChoiceField({ shape, value, onChange, ...rest }: FieldOf<'choice'>) {
  const [chosen, setChosen] = useState<number | null>(null)
  const fitting = value === undefined || value === null ? null : fittingVariant(shape, value)
  // What was chosen stays while it is filled in, also where another form would fit by now.
  const at = value === undefined ? null : (chosen ?? fitting ?? 0)
  const variant = at === null ? undefined : shape.variants[at]
  const choose = (next: number) => {
    setChosen(next)
    const start = shape.variants[next]
    onChange(start && filledIn(start.schema))
  }
  return (
    <Group {...rest} path={variant ? null : rest.path} shape={shape}>
      <Select aria-label={`Form of ${rest.name}`} value={at ?? -1} onChange={({ target }) => choose(Number(target.value))}>
        {(at === null || !rest.required) && <option value={-1}>{rest.required ? 'Choose …' : 'not set'}</option>}
        {shape.variants.map(({ label }, index) => (
          <option key={index} value={index}>
            {label}
          </option>
        ))}
      </Select>
      {variant && <Chosen key={at} {...rest} schema={variant.schema} value={value} onChange={onChange} />}
    </Group>
  )
}

/** The members of an object need no frame of their own here. */
function Chosen({ onChange, ...props }: ValueFieldProps) {
  const { name, schema, path, value } = props
  const shape = shapeOf(schema, name)
  if (shape.kind === 'object' && isObject(value)) return <Members shape={shape} value={value} path={path} onChange={onChange} />
  return <ValueField {...props} onChange={(next) => onChange(next ?? blank(schema))} />
}
