import { outlineOf, type Flow, type FlowEntry, type Mark, type Outline, type Scalar, type Span } from './outline'

/** Keys and numbers of items that lead somewhere: `['binds', 0, 'listeners']`. */
export type Path = (string | number)[]

/** Where in the tree a cursor is, and what can be written there. */
export interface Place {
  /** Of what can be written: its parent's for a key, its own for a value. */
  path: Path
  /** A key of the map at `path`, a scalar as the value at `path`, or either. */
  accepts: 'key' | 'value' | 'either'
  style: 'block' | 'flow'
  /** The list that a dash here would go on with or begin. */
  list: Path | null
  /** Keys that the map at `path` has, but for the one at the cursor. */
  siblings: string[]
  /** The column at which the key would stand. */
  column: number
  /** What is typed of it; for a key that is there already, all of it. */
  word: Span
  /** Whether a colon follows the word. */
  colon: boolean
}

/** Null where nothing is to be suggested: in comments, in texts of several lines, where the indentation fits nothing. */
export function placeAt(text: string, offset: number): Place | null {
  const outline = outlineOf(text)
  if (outline.opaque.some(({ from, to }) => from <= offset && offset <= to)) return null
  const flow = outline.flows.findLast(({ from, to, closed }) => from < offset && (closed ? offset < to : offset <= to))
  return flow ? placeInFlow(outline, flow, offset) : placeInBlock(text, outline, offset)
}

/** What stands somewhere: a key or a value, and the path to what it is or names. */
export interface Thing extends Span {
  kind: 'key' | 'value'
  path: Path
  text: string
}

/** The key or value at an offset. */
export function thingAt(text: string, offset: number): Thing | null {
  const outline = outlineOf(text)
  const covers = (span: Span) => span.from <= offset && offset < span.to
  const thing = (kind: Thing['kind'], path: Path, { from, to }: Span, words: string): Thing => ({ kind, path, from, to, text: words })
  const flow = outline.flows.findLast(covers)
  if (flow) {
    const index = flow.entries.findIndex(({ key, value }) => [key, value].some((part) => part && covers(part)))
    const entry = flow.entries[index]
    if (!entry) return null
    const path = [...flowPath(outline, flow), flow.kind === 'list' ? index : (entry.key?.text ?? '')]
    if (entry.key && covers(entry.key)) return thing('key', path, entry.key, entry.key.text)
    return entry.value && flow.kind === 'map' && !entry.key ? null : entry.value && thing('value', path, entry.value, entry.value.text)
  }
  const mark = outline.marks.find((mark) => covers(mark) || (mark.value && covers(mark.value)))
  if (!mark) return null
  if (mark.value && covers(mark.value)) return thing('value', pathTo(outline, mark), mark.value, mark.value.text)
  return mark.kind === 'key' ? thing('key', pathTo(outline, mark), mark, mark.key) : null
}

function placeInFlow(outline: Outline, flow: Flow, offset: number): Place {
  const index = flow.entries.findLastIndex((entry) => entry.from <= offset)
  const entry = flow.entries[index] as FlowEntry
  const container = flowPath(outline, flow)
  const inValue = flow.kind === 'list' || (entry.colon !== null && offset > entry.colon)
  const scalar = inValue ? entry.value : (entry.key ?? entry.value)
  const siblings = flow.entries.filter((other) => other !== entry).flatMap(({ key, value }) => (key ?? value)?.text ?? [])
  const name = flow.kind === 'list' ? index : (entry.key?.text ?? '')
  return {
    path: inValue ? [...container, name] : container,
    accepts: inValue ? 'value' : 'key',
    style: 'flow',
    list: null,
    siblings: flow.kind === 'map' ? siblings : [],
    column: 0,
    word: wordAt(scalar, offset),
    colon: entry.colon !== null,
  }
}

function placeInBlock(text: string, outline: Outline, offset: number): Place | null {
  const lineStart = text.slice(0, offset).lastIndexOf('\n') + 1
  const goesOn = ({ value }: Mark) => value !== null && value.from < lineStart && offset <= value.to
  if (outline.marks.some(goesOn)) return null
  const onLine = outline.marks.filter(({ from }) => from >= lineStart && !text.slice(lineStart, from).includes('\n'))
  const key = onLine.find(({ kind }) => kind === 'key') ?? null
  if (key && offset >= key.after) return placeOfValue(outline, key, offset)
  const dash = onLine.findLast(({ kind, after }) => kind === 'item' && after <= offset) ?? null
  const from = firstWord(text, dash?.after ?? lineStart, offset)
  const isBefore = onLine.some((mark) => mark.from > from && mark.from >= offset)
  if (isBefore || dash?.after === offset) return null
  return placeOfNode(outline, { column: from - lineStart, word: wordFrom(text, from, offset, key), key, dash })
}

/** Behind `key:` on the same line there can only be a scalar, or a bracket. */
function placeOfValue(outline: Outline, key: Mark, offset: number): Place | null {
  if (offset === key.after) return null
  if (key.value && offset > key.value.to) return null
  return {
    path: pathTo(outline, key),
    accepts: 'value',
    style: 'block',
    list: null,
    siblings: [],
    column: key.column,
    word: wordAt(key.value, offset),
    colon: false,
  }
}

interface Spot {
  column: number
  word: Span
  /** The key and the last dash on the same line. */
  key: Mark | null
  dash: Mark | null
}

/** At the beginning of a line, or behind a dash. */
function placeOfNode(outline: Outline, { column, word, key, dash }: Spot): Place | null {
  const before = outline.marks.filter((mark) => mark.from < word.from)
  const ancestors = ancestorsOf(before, column)
  const parent = ancestors.at(-1)
  if (parent && parent !== dash && parent.value) return null
  const keys = keysBelow(outline, parent).filter((child) => child !== key)
  if (keys.some((child) => child.column !== column)) return null
  return {
    path: ancestors.map((mark) => nameOf(outline, mark)),
    accepts: keys.length > 0 || parent === undefined ? 'key' : 'either',
    style: 'block',
    list: dash || key ? null : listAt(outline, before, column),
    siblings: keys.map((child) => child.key),
    column,
    word,
    colon: key !== null,
  }
}

/** The list to which a dash in this column would add an item. */
function listAt(outline: Outline, before: Mark[], column: number): Path | null {
  const last = before.findLast((mark) => mark.column <= column)
  if (!last) return null
  if (last.kind === 'item') return last.column === column ? pathTo(outline, last).slice(0, -1) : null
  if (last.value) return null
  const [child] = below(outline, last)
  return child === undefined || (child.kind === 'item' && child.column === column) ? pathTo(outline, last) : null
}

/** The keys of the map in block style that is the value of a mark, or of the whole text. */
function keysBelow(outline: Outline, parent: Mark | undefined): Mark[] {
  const marks = parent ? below(outline, parent) : outline.marks
  const column = Math.min(...marks.map((mark) => mark.column))
  return marks.filter((mark) => mark.kind === 'key' && mark.column === column)
}

/** Everything that a mark's value holds. */
function below(outline: Outline, parent: Mark): Mark[] {
  const rest = outline.marks.slice(outline.marks.indexOf(parent) + 1)
  // The dashes of a list may stand right below the first letter of its key.
  const belongs = ({ column, kind }: Mark) =>
    column > parent.column || (column === parent.column && parent.kind === 'key' && kind === 'item')
  const end = rest.findIndex((mark) => !belongs(mark))
  return end < 0 ? rest : rest.slice(0, end)
}

/** What is around something in this column, the outermost first. */
function ancestorsOf(before: Mark[], column: number): Mark[] {
  const found: Mark[] = []
  let limit = column
  for (const mark of before.toReversed()) {
    const isParent = mark.column < limit || (mark.column === limit && found[0]?.kind === 'item' && mark.kind === 'key')
    if (!isParent) continue
    found.unshift(mark)
    limit = mark.column
  }
  return found
}

function pathTo(outline: Outline, mark: Mark): Path {
  const before = outline.marks.slice(0, outline.marks.indexOf(mark))
  const around = ancestorsOf(before, mark.column)
  const last = before.findLast(({ column, kind }) => column < mark.column || (column === mark.column && kind === 'key'))
  // A dash in the column of the key before it is an item of that key.
  if (mark.kind === 'item' && last?.column === mark.column) around.push(last)
  return [...around, mark].map((one) => nameOf(outline, one))
}

/** A key, or how many dashes of the same list stand before this one. */
function nameOf(outline: Outline, mark: Mark): string | number {
  if (mark.kind === 'key') return mark.key
  let count = 0
  for (const other of outline.marks.slice(0, outline.marks.indexOf(mark)).toReversed()) {
    if (other.column > mark.column) continue
    if (other.kind === 'key' || other.column < mark.column) break
    count += 1
  }
  return count
}

function flowPath(outline: Outline, flow: Flow): Path {
  if (flow.around) {
    const { around } = flow
    const index = around.entries.findLastIndex(({ from }) => from <= flow.from)
    return [...flowPath(outline, around), around.kind === 'list' ? index : (around.entries[index]?.key?.text ?? '')]
  }
  const owner = outline.marks.findLast(({ value }) => value?.from === flow.from)
  if (owner) return pathTo(outline, owner)
  // A bracket on a line of its own belongs to the nearest key or dash before it that has no value.
  const above = outline.marks.findLast(({ to }) => to <= flow.from)
  return above && above.value === null ? pathTo(outline, above) : []
}

/** Of a quoted text, what is between the quotes. */
function wordAt(scalar: Scalar | null, offset: number): Span {
  if (!scalar || offset < scalar.from || offset > scalar.to) return { from: offset, to: offset }
  const inside = scalar.quote === '' ? 0 : 1
  const from = Math.min(scalar.from + inside, offset)
  return { from, to: Math.max(offset, from + scalar.text.length) }
}

function firstWord(text: string, from: number, offset: number): number {
  let at = from
  while (at < offset && (text[at] === ' ' || text[at] === '\t')) at += 1
  return at
}

function wordFrom(text: string, from: number, offset: number, key: Mark | null): Span {
  let to = offset
  while (/[\w.$-]/.test(text[to] ?? '')) to += 1
  return { from, to: key ? Math.max(key.to, offset) : to }
}
