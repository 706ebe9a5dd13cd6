import { EditorState } from '@codemirror/state'
import { describe, expect, it } from 'vitest'
import { diagnosticOf } from './faults'
import { changeBetween, lineBreakOf, offsetAt } from './text'

const stateOf = (text: string) =>
  EditorState.create({ doc: text, extensions: EditorState.lineSeparator.of(lineBreakOf(text)) })

describe('line breaks', () => {
  it.each([
    ['of Unix', 'a\nb\n'],
    ['of Windows', 'a\r\nb\r\n'],
    ['of both', 'a\r\nb\nc\r\n'],
    ['none', 'a'],
  ])('come back as they were: %s', (_, text) => expect(stateOf(text).sliceDoc()).toBe(text))

  it('are those of Unix where there are none', () => expect(lineBreakOf('a')).toBe('\n'))

  it('are added in the way of the file', () => {
    const state = stateOf('a\r\nb')
    const insert = state.toText(`c${state.lineBreak}`)
    expect(state.update({ changes: { from: 0, insert } }).state.sliceDoc()).toBe('c\r\na\r\nb')
  })
})

describe('a value from outside', () => {
  const changed = (before: string, after: string) => {
    const state = stateOf(before)
    const change = changeBetween(state, after)
    return change && { ...change, insert: change.insert.toString(), result: state.update({ changes: change }).state.sliceDoc() }
  }
  it('changes only what differs', () =>
    expect(changed('a: 1\nb: 2\nc: 3', 'a: 1\nb: 22\nc: 3')).toMatchObject({ from: 9, to: 9, insert: '2', result: 'a: 1\nb: 22\nc: 3' }))
  it('may repeat what was there', () => expect(changed('aa', 'aaa')?.result).toBe('aaa'))
  it('may take everything away', () => expect(changed('a\nb', '')?.result).toBe(''))
  it('keeps line breaks of Windows', () => expect(changed('a\r\nb', 'a\r\nx\r\nb')?.result).toBe('a\r\nx\r\nb'))
  it('changes nothing if it is the same', () => expect(changed('a\r\nb', 'a\r\nb')).toBeNull())
})

describe('places', () => {
  const { doc } = stateOf('a: 1\n# 😀 x: y\nb')
  it('count lines and columns from 1', () => expect(offsetAt(doc, 1, 4)).toBe(3))
  it('count characters as people do', () => expect(doc.sliceString(offsetAt(doc, 2, 5), offsetAt(doc, 2, 6))).toBe('x'))
  it('beyond the end are at the end', () => {
    expect(offsetAt(doc, 1, 99)).toBe(4)
    expect(offsetAt(doc, 99, 1)).toBe(doc.length - 1)
  })
})

describe('a mark', () => {
  const marked = (text: string, column: number) => {
    const { doc } = stateOf(text)
    const { from, to } = diagnosticOf(doc, { line: 1, column, path: '', message: 'no' })
    return doc.sliceString(from, to)
  }
  it('covers the word', () => expect(marked('- name: my_time # x', 9)).toBe('my_time'))
  it('covers what is in quotes', () => expect(marked('host: "a b", c: d', 7)).toBe('"a b"'))
  it('covers a single character where there is no word', () => expect(marked('a: {b', 4)).toBe('{'))
  it('is empty at the end', () => expect(marked('a:', 3)).toBe(''))
})
