import type { EditorState, Text } from '@codemirror/state'

/** A file of CRLF stays one. In a mixed one, the CRs are left alone as what they are: characters at the ends of lines. */
export function lineBreakOf(text: string): '\r\n' | '\n' {
  return text.includes('\r\n') && !/(^|[^\r])\n/.test(text) ? '\r\n' : '\n'
}

/** The smallest change that makes a document say `value`, so that the cursor stays where it is; null if it says so already. */
export function changeBetween(state: EditorState, value: string): { from: number; to: number; insert: Text } | null {
  const next = state.toText(value)
  if (next.eq(state.doc)) return null
  const [before, after] = [state.doc.toString(), next.toString()]
  const most = Math.min(before.length, after.length)
  let from = 0
  while (from < most && before[from] === after[from]) from += 1
  let same = 0
  while (same < most - from && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1
  return { from, to: before.length - same, insert: next.slice(from, after.length - same) }
}

/** Where a line and a column are, both from 1 and in characters as people count them; past the end is at the end. */
export function offsetAt(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines))
  const before = Array.from(found.text).slice(0, Math.max(column - 1, 0)).join('')
  return found.from + before.length
}
