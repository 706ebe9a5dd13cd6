import { describe, expect, it } from 'vitest'
import type { ConfigFile } from '../../api/types'
import { empty, isChanged, next, type Draft, type Step } from './draft'

const file = (text: string): ConfigFile =>
  ({ source: 'file', path: 'config.yaml', writable: true, text, revision: `of ${text}`, problem: null })

const after = (...steps: Step[]): Draft => steps.reduce(next, empty)
const read = (text: string): Step => ({ kind: 'read', file: file(text) })
const type = (text: string): Step => ({ kind: 'type', text })

describe('without unsaved changes', () => {
  it('begins with the file', () => {
    const draft = after(read('a'))
    expect(draft.text).toBe('a')
    expect(isChanged(draft)).toBe(false)
    expect(draft.reloaded).toBe(false)
  })
  it('follows the file, and says so', () => expect(after(read('a'), read('b'))).toMatchObject({ text: 'b', reloaded: true }))
  it('says nothing if the file is read again as it was', () => expect(after(read('a'), read('a')).reloaded).toBe(false))
  it('forgets the notice with the next key', () => expect(after(read('a'), read('b'), type('c')).reloaded).toBe(false))
  it('takes over what changed around the text', () => {
    const problem = { text: 'cannot bind', faults: [] }
    const draft = after(read('a'), { kind: 'read', file: { ...file('a'), problem } })
    expect(draft.file?.problem).toBe(problem)
  })
})

describe('with unsaved changes', () => {
  const conflict = [read('a'), type('mine'), read('theirs')]
  it('keeps the text when the file changes', () => {
    const draft = after(...conflict)
    expect(draft).toMatchObject({ text: 'mine', theirs: { text: 'theirs' } })
    expect(draft.file?.revision).toBe('of a')
  })
  it('saves over theirs only once told to keep mine', () => {
    const draft = after(...conflict, { kind: 'keepMine' })
    expect(draft).toMatchObject({ text: 'mine', theirs: null })
    expect(draft.file?.revision).toBe('of theirs')
  })
  it('takes theirs when told to', () =>
    expect(after(...conflict, { kind: 'takeTheirs' })).toMatchObject({ text: 'theirs', theirs: null, file: { text: 'theirs' } }))
  it('sees no conflict where both wrote the same', () =>
    expect(isChanged(after(read('a'), type('b'), read('b')))).toBe(false))
  it('forgets a conflict when the file is put back', () => expect(after(...conflict, read('a')).theirs).toBeNull())
  it('goes back to the file when told to', () => expect(after(read('a'), type('b'), { kind: 'discard' }).text).toBe('a'))
})

describe('a save', () => {
  const saved: Step = { kind: 'saved', file: file('b') }
  it('leaves nothing unsaved', () => expect(isChanged(after(read('a'), type('b'), saved))).toBe(false))
  it('keeps what was typed meanwhile', () => {
    const draft = after(read('a'), type('b'), type('bc'), saved)
    expect(draft.text).toBe('bc')
    expect(isChanged(draft)).toBe(true)
  })
  it('is no change by someone else', () => expect(after(read('a'), type('b'), type('bc'), read('b'), saved).theirs).toBeNull())
})
