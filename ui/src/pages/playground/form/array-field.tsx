import { Button, IconButton } from '../../../parts/button'
import { pathOf } from './check'
import { Group } from './labelled'
import { blank, filledIn } from './start'
import { ValueField, type FieldOf } from './value-field'

/** A list of anything. One without items is left out. */
export function ArrayField({ shape, value, onChange, ...rest }: FieldOf<'array'>) {
  const items: unknown[] = Array.isArray(value) ? value : []
  const change = (next: unknown[]) => onChange(next.length === 0 && !rest.required ? undefined : next)
  const full = shape.maxItems !== null && items.length >= shape.maxItems
  return (
    <Group {...rest} shape={shape}>
      {items.length > 0 && (
        <ol className="form-items">
          {items.map((item, index) => (
            <li key={index} className="form-item">
              <ValueField
                name={`${rest.name} ${index + 1}`}
                schema={shape.item}
                required={false}
                path={pathOf(rest.path, index)}
                value={item}
                onChange={(next) => change(items.with(index, next ?? blank(shape.item)))}
              />
              <IconButton
                label={`Remove ${rest.name} ${index + 1}`}
                icon="trash"
                size="small"
                onClick={() => change(items.toSpliced(index, 1))}
              />
            </li>
          ))}
        </ol>
      )}
      {!full && (
        <Button size="small" icon="plus" onClick={() => change([...items, filledIn(shape.item)])}>
          Add to {rest.name}
        </Button>
      )}
    </Group>
  )
}
