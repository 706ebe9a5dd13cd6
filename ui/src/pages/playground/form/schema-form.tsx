import { isObject, type JsonObject } from '../../../mcp/json'
import type { FieldFault } from './check'
import { FaultsProvider } from './faults'
import { Members } from './object-field'
import { type Schema, shapeOf } from './schema'
import { ValueField } from './value-field'

interface SchemaFormProps {
  schema: Schema
  value: unknown
  onChange: (value: JsonObject) => void
  /** To be shown at their fields. */
  faults: FieldFault[]
  /** What stands there when there is nothing to fill in. */
  empty: string
}

/** The fields of a schema whose value is an object, such as a tool's arguments. */
export function SchemaForm({ schema, value, onChange, faults, empty }: SchemaFormProps) {
  const shape = shapeOf(schema)
  const object = isObject(value) ? value : {}
  return (
    <FaultsProvider value={faults}>
      <div className="form-fields">
        {shape.kind !== 'object' ? (
          <ValueField
            name="arguments"
            schema={schema}
            required
            path=""
            value={value}
            onChange={(next) => onChange(isObject(next) ? next : {})}
          />
        ) : shape.properties.length === 0 && Object.keys(object).length === 0 ? (
          <p className="quiet">{empty}</p>
        ) : (
          <Members shape={shape} value={object} path="" onChange={onChange} />
        )}
      </div>
    </FaultsProvider>
  )
}
