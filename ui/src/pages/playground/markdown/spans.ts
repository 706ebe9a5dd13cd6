/** What a line of Markdown is made of. Anything else, HTML too, is text. */
export type Span =
  | string
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'em' | 'del'; spans: Span[] }
  | { kind: 'link'; href: string; spans: Span[] }
  | { kind: 'image'; src: string; alt: string }
  | { kind: 'break' }

interface Taken {
  span: Span
  end: number
}

const DEEPEST = 8
/** Where a mark without an end is looked for to the end of the text, the time grows with the square. */
const LONGEST = 10_000

export function spansOf(text: string, depth = 0): Span[] {
  if (text.length > LONGEST || depth > DEEPEST) return [text]
  const spans: Span[] = []
  let plain = ''
  const take = (span: Span) => {
    if (typeof span === 'string') {
      plain += span
      return
    }
    if (plain !== '') spans.push(plain)
    plain = ''
    spans.push(span)
  }
  for (let at = 0; at < text.length;) {
    const taken = spanAt(text, at, depth)
    take(taken?.span ?? (text[at] as string))
    at = taken?.end ?? at + 1
  }
  if (plain !== '') spans.push(plain)
  return spans
}

function spanAt(text: string, at: number, depth: number): Taken | null {
  switch (text[at]) {
    case '\\':
      return escaped(text, at)
    case '`':
      return code(text, at)
    case '*':
    case '_':
    case '~':
      return emphasis(text, at, depth)
    case '[':
      return link(text, at, depth)
    case '!':
      return image(text, at)
    case '<':
      return bracketed(text, at)
    case 'h':
      return bareUrl(text, at)
    case '&':
      return entity(text, at)
    case ' ':
      return hardBreak(text, at)
    default:
      return null
  }
}

function escaped(text: string, at: number): Taken | null {
  const next = text[at + 1] ?? ''
  if (next === '\n') return { span: { kind: 'break' }, end: at + 2 }
  return /[!-/:-@[-`{-~]/.test(next) ? { span: next, end: at + 2 } : null
}

/** Between runs of the same length, whatever stands inside. */
function code(text: string, at: number): Taken | null {
  const ticks = sticky(/`+/y, text, at)?.[0] ?? ''
  for (let end = text.indexOf(ticks, at + ticks.length); end >= 0; end = text.indexOf(ticks, end)) {
    const run = sticky(/`+/y, text, end)?.[0].length ?? 1
    if (run === ticks.length) {
      const inside = text.slice(at + ticks.length, end).replaceAll('\n', ' ')
      const padded = /^ .*[^ ].* $/.test(inside)
      return { span: { kind: 'code', text: padded ? inside.slice(1, -1) : inside }, end: end + run }
    }
    end += run
  }
  return { span: ticks, end: at + ticks.length }
}

const KINDS = { '**': 'strong', __: 'strong', '*': 'em', _: 'em', '~~': 'del' } as const

function emphasis(text: string, at: number, depth: number): Taken | null {
  const sign = text[at] as string
  const mark = text[at + 1] === sign ? sign + sign : sign
  const kind = (KINDS as Record<string, (typeof KINDS)[keyof typeof KINDS]>)[mark]
  const from = at + mark.length
  const whole = { span: mark, end: from }
  // A mark that begins nothing: before a space, or `_` within a word.
  if (kind === undefined || isSpace(text[from]) || (sign === '_' && isWord(text[at - 1]))) return whole
  for (let end = text.indexOf(mark, from + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
    const doubled = mark.length === 1 && (text[end + 1] === sign || text[end - 1] === sign)
    const closes = !doubled && !isSpace(text[end - 1]) && !(sign === '_' && isWord(text[end + mark.length]))
    if (closes) return { span: { kind, spans: spansOf(text.slice(from, end), depth + 1) }, end: end + mark.length }
  }
  return whole
}

/** `[words](address "title")`; the address may hold balanced brackets. */
function linkParts(text: string, at: number): { words: string; href: string; end: number } | null {
  const close = matching(text, at, '[', ']')
  if (close === null || text[close + 1] !== '(') return null
  const end = matching(text, close + 1, '(', ')')
  if (end === null) return null
  const inside = text.slice(close + 2, end).trim()
  const href = /^<([^<>]*)>|^\S*/.exec(inside)
  return { words: text.slice(at + 1, close), href: href?.[1] ?? href?.[0] ?? '', end: end + 1 }
}

function link(text: string, at: number, depth: number): Taken | null {
  const parts = linkParts(text, at)
  return parts && { span: { kind: 'link', href: parts.href, spans: spansOf(parts.words, depth + 1) }, end: parts.end }
}

function image(text: string, at: number): Taken | null {
  const parts = text[at + 1] === '[' ? linkParts(text, at + 1) : null
  return parts && { span: { kind: 'image', src: parts.href, alt: parts.words }, end: parts.end }
}

function bracketed(text: string, at: number): Taken | null {
  const url = sticky(/<(https?:\/\/[^\s<>]+)>/y, text, at)
  if (url) return { span: { kind: 'link', href: url[1] ?? '', spans: [url[1] ?? ''] }, end: at + url[0].length }
  const line = sticky(/<br\s?\/?>/iy, text, at)
  return line && { span: { kind: 'break' }, end: at + line[0].length }
}

function bareUrl(text: string, at: number): Taken | null {
  if (isWord(text[at - 1])) return null
  // A full stop behind an address ends the sentence.
  const url = sticky(/https?:\/\/[^\s<>()[\]"'`*]+/y, text, at)?.[0].replace(/[.,;:!?]+$/, '')
  return url === undefined ? null : { span: { kind: 'link', href: url, spans: [url] }, end: at + url.length }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', '#39': "'" }

function entity(text: string, at: number): Taken | null {
  const found = sticky(/&(#?\w{2,6});/y, text, at)
  const sign = ENTITIES[found?.[1] ?? '']
  return found && sign !== undefined ? { span: sign, end: at + found[0].length } : null
}

function hardBreak(text: string, at: number): Taken | null {
  const spaces = sticky(/ {2,}\n/y, text, at)
  return spaces && { span: { kind: 'break' }, end: at + spaces[0].length }
}

/** Where the bracket that opens at a place is closed; null if it is not, or only on another line. */
function matching(text: string, at: number, open: string, close: string): number | null {
  let depth = 0
  for (let place = at; place < text.length && text[place] !== '\n'; place += 1) {
    if (text[place] === '\\') place += 1
    else if (text[place] === open) depth += 1
    else if (text[place] === close) {
      depth -= 1
      if (depth === 0) return place
    }
  }
  return null
}

function sticky(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function isSpace(sign: string | undefined): boolean {
  return sign === undefined || /\s/.test(sign)
}

function isWord(sign: string | undefined): boolean {
  return sign !== undefined && /[\p{L}\p{N}_]/u.test(sign)
}
