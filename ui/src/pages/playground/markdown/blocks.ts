/** What a Markdown text is made of. The texts in it are still to be read for spans. */
export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; start: number | null; items: Block[][] }
  | { kind: 'table'; head: string[]; rows: string[][] }
  | { kind: 'rule' }

const DEEPEST = 8
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})/
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/
const QUOTE = /^ {0,3}> ?/
const ITEM = /^( *)(?:[-*+]|(\d{1,9})[.)])( +|$)/
const DELIMITERS = /^ *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$/

export function blocksOf(text: string): Block[] {
  return read(text.replaceAll('\r\n', '\n').replaceAll('\t', '    ').split('\n'), 0)
}

function read(lines: string[], depth: number): Block[] {
  const blocks: Block[] = []
  for (let at = 0; at < lines.length;) {
    if (lines[at]?.trim() === '') {
      at += 1
      continue
    }
    const { block, end } = blockAt(lines, at, depth)
    blocks.push(block)
    at = end
  }
  return blocks
}

interface Taken {
  block: Block
  end: number
}

function blockAt(lines: string[], at: number, depth: number): Taken {
  const line = lines[at] ?? ''
  const heading = HEADING.exec(line)
  if (heading) return { block: { kind: 'heading', level: heading[1]?.length ?? 1, text: heading[2] ?? '' }, end: at + 1 }
  if (FENCE.test(line)) return fenced(lines, at)
  if (RULE.test(line)) return { block: { kind: 'rule' }, end: at + 1 }
  if (depth < DEEPEST && QUOTE.test(line)) return quote(lines, at, depth)
  if (depth < DEEPEST && ITEM.test(line)) return list(lines, at, depth)
  return table(lines, at) ?? paragraph(lines, at)
}

function fenced(lines: string[], at: number): Taken {
  const mark = FENCE.exec(lines[at] ?? '')?.[1] ?? '```'
  const closes = (line: string) => line.trim().startsWith(mark) && line.trim().replaceAll(mark[0] ?? '`', '') === ''
  const end = next(lines, at + 1, closes)
  const indent = indentOf(lines[at] ?? '')
  const inside = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent, indentOf(line))))
  return { block: { kind: 'code', text: inside.join('\n') }, end: end + 1 }
}

function quote(lines: string[], at: number, depth: number): Taken {
  let end = at
  while (end < lines.length && QUOTE.test(lines[end] ?? '')) end += 1
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ''))
  return { block: { kind: 'quote', blocks: read(inside, depth + 1) }, end }
}

/** Items go on as long as lines are indented under them, or no blank line stands before. */
function list(lines: string[], at: number, depth: number): Taken {
  const [, indent = '', number] = ITEM.exec(lines[at] ?? '') ?? []
  const items: string[][] = []
  let content = 0
  let end = at
  for (; end < lines.length; end += 1) {
    const line = lines[end] ?? ''
    const item = ITEM.exec(line)
    const blank = line.trim() === ''
    if (item && indentOf(line) <= indent.length + 1 && (item[2] === undefined) === (number === undefined) && !RULE.test(line)) {
      // Four spaces or more behind the mark are code inside the item.
      content = (item[3] ?? '').length > 4 ? item[0].length - (item[3] ?? '').length + 1 : Math.max(item[0].length, indentOf(line) + 2)
      items.push([line.slice(item[0].length)])
    } else if (blank) {
      const after = next(lines, end + 1, (each) => each.trim() !== '')
      if (!ITEM.test(lines[after] ?? '') && indentOf(lines[after] ?? '') < content) break
      items.at(-1)?.push('')
      end = after - 1
    } else if (indentOf(line) >= Math.min(content, indent.length + 2)) items.at(-1)?.push(line.slice(Math.min(content, indentOf(line))))
    else if (lines[end - 1]?.trim() === '' || begins(line)) break
    else items.at(-1)?.push(line.trim())
  }
  return {
    block: { kind: 'list', start: number === undefined ? null : Number(number), items: items.map((item) => read(item, depth + 1)) },
    end,
  }
}

function table(lines: string[], at: number): Taken | null {
  const line = lines[at] ?? ''
  const delimiters = lines[at + 1] ?? ''
  if (!line.includes('|') || !delimiters.includes('-') || !DELIMITERS.test(delimiters)) return null
  const head = cells(line)
  if (head.length !== cells(delimiters).length) return null
  let end = at + 2
  while (end < lines.length && lines[end]?.includes('|') && lines[end]?.trim() !== '') end += 1
  const rows = lines.slice(at + 2, end).map((row) => {
    const found = cells(row)
    return head.map((_, column) => found[column] ?? '')
  })
  return { block: { kind: 'table', head, rows }, end }
}

/** A `|` that is meant as a sign is escaped. */
function cells(line: string): string[] {
  const inside = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

function paragraph(lines: string[], at: number): Taken {
  let end = at + 1
  while (end < lines.length && lines[end]?.trim() !== '' && !begins(lines[end] ?? '')) end += 1
  // The spaces at the end of a line may be a line break.
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join('\n')
    .trimEnd()
  return { block: { kind: 'paragraph', text }, end }
}

/** Whether a line begins something else in the middle of a paragraph. */
function begins(line: string): boolean {
  const item = ITEM.exec(line)
  const interrupts = item !== null && (item[2] === undefined || item[2] === '1') && item[0].length < line.length
  return interrupts || HEADING.test(line) || FENCE.test(line) || QUOTE.test(line) || RULE.test(line)
}

/** The first line of a kind from a place on, or the end. */
function next(lines: string[], from: number, is: (line: string) => boolean): number {
  let at = from
  while (at < lines.length && !is(lines[at] ?? '')) at += 1
  return at
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}
