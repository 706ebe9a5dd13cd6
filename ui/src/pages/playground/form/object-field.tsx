import { isObject, type JsonObject, sameJson } from '../../../mcp/json'
import { Button, IconButton } from '../../../parts/button'
import { listed } from '../../../parts/format'
import { isItem, pathOf } from './check'
import { Group } from './labelled'
import { type Property, shapeOf, type ShapeOf } from './schema'
import { filledIn } from './start'
import { ValueField, type FieldOf } from './value-field'

/** An object within another. What may be left out is there only when it is added. */
export function ObjectField({ shape, schema, value, onChange, ...rest }: FieldOf<'object'>) {
  const there = isObject(value)
  const remove = !rest.required && !isItem(rest.path) && (
    <IconButton label={`Remove ${rest.name}`} icon="trash" size="small" onClick={() => onChange(undefined)} />
  )
  return (
    <Group {...rest} shape={shape} actions={there && remove}>
      {there ? (
        <Members shape={shape} value={value} path={rest.path} onChange={onChange} />
      ) : (
        <Button size="small" icon="plus" onClick={() => onChange(filledIn(schema))}>
          Add {rest.name}
        </Button>
      )}
    </Group>
  )
}

interface MembersProps {
  shape: ShapeOf<'object'>
  value: JsonObject
  path: string
  onChange: (value: JsonObject) => void
}

/** The fields of an object's members. */
export function Members({ shape, value, path, onChange }: MembersProps) {
  const known = new Set(shape.properties.map(({ name }) => name))
  const strangers = Object.keys(value).filter((name) => !known.has(name))
  /** A constant that is there already leaves nothing to do. */
  const hasChoice = ({ name, schema, required }: Property) => {
    const property = shapeOf(schema)
    return !(property.kind === 'constant' && required && sameJson(property.value, value[name]))
  }
  const change = (name: string, next: unknown) => {
    const { [name]: _, ...others } = value
    onChange(next === undefined ? others : { ...value, [name]: next })
  }
  return (
    <>
      {shape.properties.filter(hasChoice).map(({ name, schema, required }) => (
        <ValueField
          key={name}
          {...{ name, schema, required }}
          path={pathOf(path, name)}
          value={value[name]}
          onChange={(next) => change(name, next)}
        />
      ))}
      {strangers.length > 0 && (
        <p className="field-hint">
          Also sent, though the schema does not name {strangers.length === 1 ? 'it' : 'them'}: {listed(strangers)}. Raw JSON shows the
          value.
        </p>
      )}
    </>
  )
}
