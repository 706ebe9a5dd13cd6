/** Rows that Page Up and Page Down go. */
const PAGE = 10

/** The row that a key leads to from `at`, or null if it leads nowhere. */
export function destination(key: string, at: number, rows: number): number | null {
  if (rows === 0) return null
  const to: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + PAGE,
    PageUp: at - PAGE,
    Home: 0,
    End: rows - 1,
  }
  const next = to[key]
  return next === undefined ? null : Math.min(Math.max(next, 0), rows - 1)
}
