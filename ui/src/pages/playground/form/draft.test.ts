import { expect, test } from 'vitest'
import { faultsOf, newDraft, rawOf, rawProblem, withRaw, withValue } from './draft'
import { schemaOf } from './schema'

const schema = schemaOf({ type: 'object', properties: { n: { type: 'integer', default: 1 } }, required: ['n'] })

test('form and text say the same', () => {
  const draft = newDraft(schema)
  expect(rawOf(draft)).toBe('{\n  "n": 1\n}')
  const typed = withRaw(draft, '{"n": 2}')
  expect(typed.value).toEqual({ n: 2 })
  // The text stays as it was typed, until the form changes the value.
  expect(rawOf(typed)).toBe('{"n": 2}')
  expect(rawOf(withValue(typed, { n: 3 }))).toBe('{\n  "n": 3\n}')
})

test('text that is not JSON changes nothing, and is not lost', () => {
  const typed = withRaw(newDraft(schema), '{"n": ')
  expect(typed.value).toEqual({ n: 1 })
  expect(rawOf(typed)).toBe('{"n": ')
  expect(rawProblem(typed)).not.toBeNull()
  expect(rawProblem(withRaw(typed, '{}'))).toBeNull()
})

test('a form is checked, raw JSON is not', () => {
  const wrong = withValue(newDraft(schema), { n: 'x' })
  expect(faultsOf(schema, wrong)).toHaveLength(1)
  expect(faultsOf(schema, { ...wrong, mode: 'raw' })).toEqual([])
})

test('given arguments that no form can show open as text', () => {
  expect(newDraft(schema, { n: 5 })).toMatchObject({ mode: 'form', value: { n: 5 } })
  expect(newDraft(schema, [1])).toMatchObject({ mode: 'raw', value: [1] })
})
