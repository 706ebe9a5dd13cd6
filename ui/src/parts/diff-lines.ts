export interface DiffLine {
  kind: 'added' | 'removed' | 'same' | 'hunk'
  text: string
}

/** Lines of a unified diff, without the two that name the files. */
export function linesOf(diff: string): DiffLine[] {
  const lines = diff.split('\n')
  if (lines.at(-1) === '') lines.pop()
  let inHunk = false
  return lines.flatMap((line): DiffLine[] => {
    if (line.startsWith('@@')) {
      inHunk = true
      return [{ kind: 'hunk', text: line }]
    }
    if (!inHunk) return []
    const kind = ({ '+': 'added', '-': 'removed', ' ': 'same', '': 'same' } as const)[line.charAt(0)]
    return [kind === undefined ? { kind: 'hunk', text: line } : { kind, text: line.slice(1) }]
  })
}

/** `2 lines added, 1 removed` */
export function summaryOf(lines: DiffLine[]): { added: number; removed: number } {
  const of = (kind: DiffLine['kind']) => lines.filter((line) => line.kind === kind).length
  return { added: of('added'), removed: of('removed') }
}
