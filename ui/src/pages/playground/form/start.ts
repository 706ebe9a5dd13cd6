import type { JsonObject } from '../../../mcp/json'
import { type Schema, shapeOf } from './schema'

/** Deeper than this nothing is filled in: a type that must hold itself would have no end. */
const DEEPEST = 8

/**
 * What a form begins with: defaults, what can only be one thing, and the frames of required objects. Undefined stands for
 * nothing, here and in every value of a form: what is optional and empty is not sent.
 */
export function startOf(schema: Schema, required: boolean, depth = 0): unknown {
  const shape = shapeOf(schema)
  // A default of null is what the server takes for nothing anyway.
  if (shape.default !== undefined && shape.default !== null) return shape.default
  if (!required || depth > DEEPEST) return undefined
  switch (shape.kind) {
    case 'constant':
      return shape.value
    case 'boolean':
      // What the switch shows that stands for it.
      return false
    case 'enum':
      return shape.options.length === 1 ? shape.options[0]?.value : undefined
    case 'object': {
      const value: JsonObject = {}
      for (const property of shape.properties) {
        const start = startOf(property.schema, property.required, depth + 1)
        if (start !== undefined) value[property.name] = start
      }
      return value
    }
    case 'array':
      return Array.from({ length: shape.minItems ?? 0 }, () => startOf(shape.item, true, depth + 1) ?? null)
    case 'choice':
      return shape.variants[0] && startOf(shape.variants[0].schema, true, depth + 1)
    default:
      return undefined
  }
}

/** The same for an item or a variant that is added on demand. */
export function filledIn(schema: Schema): unknown {
  return startOf(schema, true) ?? blank(schema)
}

/** What stands where there has to be something and nothing is filled in: an empty text is a text, the rest has no such thing. */
export function blank(schema: Schema): unknown {
  return shapeOf(schema).kind === 'text' ? '' : null
}
