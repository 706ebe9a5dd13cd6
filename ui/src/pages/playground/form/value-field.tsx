import { ArrayField } from './array-field'
import { BooleanField } from './boolean-field'
import { ChoiceField } from './choice-field'
import { EnumField } from './enum-field'
import { FlagsField } from './flags-field'
import './form.css'
import { JsonField } from './json-field'
import { NumberField } from './number-field'
import { ObjectField } from './object-field'
import { type Schema, type Shape, shapeOf } from './schema'
import { TextField } from './text-field'

export interface ValueFieldProps {
  name: string
  schema: Schema
  /** Undefined for nothing. */
  value: unknown
  required: boolean
  /** As `pathOf` spells it. */
  path: string
  onChange: (value: unknown) => void
}

/** What every field of one kind gets. */
export interface FieldOf<K extends Shape['kind']> extends ValueFieldProps {
  shape: Extract<Shape, { kind: K }>
}

/** The field for a value, whatever its schema. */
export function ValueField(props: ValueFieldProps) {
  const shape = shapeOf(props.schema, props.name)
  switch (shape.kind) {
    case 'text':
      return <TextField {...props} shape={shape} />
    case 'number':
      return <NumberField {...props} shape={shape} />
    case 'boolean':
      return <BooleanField {...props} shape={shape} />
    case 'enum':
      return <EnumField {...props} options={shape.options} shape={shape} />
    case 'constant':
      return <EnumField {...props} options={[{ value: shape.value, label: JSON.stringify(shape.value) }]} shape={shape} />
    case 'flags':
      return <FlagsField {...props} shape={shape} />
    case 'object':
      return <ObjectField {...props} shape={shape} />
    case 'array':
      return <ArrayField {...props} shape={shape} />
    case 'choice':
      return <ChoiceField {...props} shape={shape} />
    case 'json':
      return <JsonField {...props} shape={shape} />
  }
}
