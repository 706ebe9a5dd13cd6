/**
 * What a YAML text looks like from afar: where its keys, dashes and brackets stand. It forgives, because a text that someone
 * is typing is hardly ever valid: a bracket or quote that is not closed ends where the indentation says that it must have.
 */
export interface Outline {
  /** Keys and dashes in block style, in the order of the text. */
  marks: Mark[]
  /** Pairs of brackets; an inner pair comes after the one around it. */
  flows: Flow[]
  /** Comments and the lines below `|` and `>`: nothing in them means anything. */
  opaque: Span[]
}

export interface Span {
  from: number
  to: number
}

export interface Mark extends Span {
  kind: 'key' | 'item'
  column: number
  /** Of a key, without quotes; empty for a dash. */
  key: string
  /** Where its value may begin: behind the colon or the dash. */
  after: number
  /** What stands there on the same line and has no keys of its own: a scalar, or the outside of brackets. */
  value: Scalar | null
}

export interface Flow extends Span {
  kind: 'map' | 'list'
  /** `to` is behind the closing bracket, or where the text must have left it. */
  closed: boolean
  around: Flow | null
  entries: FlowEntry[]
}

export interface FlowEntry {
  /** Behind the bracket or the comma. */
  from: number
  key: Scalar | null
  /** Where the colon is. */
  colon: number | null
  value: Scalar | null
}

/** A word or a quoted text. */
export interface Scalar extends Span {
  text: string
  quote: '' | '"' | "'"
}

export function outlineOf(text: string): Outline {
  const scanner = new Scanner(text)
  scanner.block()
  return scanner.outline
}

const BYTE_ORDER_MARK = '\ufeff'

class Scanner {
  readonly outline: Outline = { marks: [], flows: [], opaque: [] }
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  block() {
    if (this.text.startsWith(BYTE_ORDER_MARK)) this.at = 1
    while (this.at < this.text.length) this.line()
  }

  /** One line of a block, or several where a value goes on. */
  private line() {
    const start = this.at
    this.spaces()
    let parent = -1
    while (this.isDash()) {
      const column = this.at - start
      this.outline.marks.push({ kind: 'item', column, key: '', from: this.at, to: this.at + 1, after: this.at + 1, value: null })
      parent = column
      this.at += 1
      this.spaces()
    }
    const key = this.key()
    if (key) {
      parent = key.from - start
      const { text, from, to } = key
      this.at += 1
      this.outline.marks.push({ kind: 'key', column: parent, key: text, from, to, after: this.at, value: null })
    }
    this.value(parent)
    this.rest()
  }

  private isDash(): boolean {
    return this.text[this.at] === '-' && isGap(this.text[this.at + 1])
  }

  /** A scalar with a colon behind it on the same line; leaves `at` on the colon, or where it was. */
  private key(): Scalar | null {
    const start = this.at
    const scalar = this.quoted(-1, true) ?? this.plainKey()
    if (scalar && this.text[this.at] === ':' && isGap(this.text[this.at + 1])) return scalar
    this.at = start
    return null
  }

  private plainKey(): Scalar | null {
    if (isGap(this.text[this.at]) || '#[]{},|>@`%'.includes(this.text[this.at] ?? '')) return null
    const found = /[^\n]*?(?=[ \t]*:(?:\s|$)|[ \t]#|[\r\n]|$)/y
    found.lastIndex = this.at
    const text = found.exec(this.text)?.[0] ?? ''
    const from = this.at
    this.at += text.length
    this.spaces()
    return text === '' ? null : { text, from, to: from + text.length, quote: '' }
  }

  /** What stands behind a key or a dash, or alone. `parent` is the column that its further lines have to be beyond. */
  private value(parent: number) {
    this.spaces()
    this.properties()
    const next = this.text[this.at]
    const from = this.at
    let value: Scalar | null
    if (next === '|' || next === '>') {
      value = { text: next, from, to: from + 1, quote: '' }
      this.literal(parent)
    } else if (next === '{' || next === '[') {
      this.flow(parent)
      value = { text: next, from, to: this.at, quote: '' }
    } else {
      value = this.quoted(parent) ?? this.plain()
    }
    const mark = this.outline.marks.at(-1)
    if (value && mark && mark.value === null && mark.to <= from && !this.text.slice(mark.to, from).includes('\n')) mark.value = value
  }

  /** Anchors and tags say nothing about what a value is. */
  private properties() {
    const found = /(?:[&!][^\s,[\]{}]*[ \t]+|[&!][^\s,[\]{}]*(?=[\r\n]|$))+/y
    found.lastIndex = this.at
    this.at += found.exec(this.text)?.[0].length ?? 0
  }

  private plain(): Scalar | null {
    const found = /[^\s#](?:[^\r\n]*?[^\s])?(?=[ \t]+#|[ \t]*(?:[\r\n]|$))/y
    found.lastIndex = this.at
    const text = found.exec(this.text)?.[0]
    if (text === undefined) return null
    const from = this.at
    this.at += text.length
    return { text, from, to: this.at, quote: '' }
  }

  /** A text in quotes. One that is not closed ends with its line, or before a line that cannot belong to it. */
  private quoted(parent: number, oneLine = false): Scalar | null {
    const quote = this.text[this.at]
    if (quote !== '"' && quote !== "'") return null
    const from = this.at
    const scalar = (to: number): Scalar => ({ text: this.text.slice(from + 1, to), from, to: this.at, quote })
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const next = this.text[this.at]
      if (quote === '"' && next === '\\') this.at += 1
      else if (next === '\n' && (oneLine || this.leaves(parent))) return scalar(this.at)
      else if (next === quote && quote === "'" && this.text[this.at + 1] === "'") this.at += 1
      else if (next === quote) {
        this.at += 1
        const end = this.at
        if (oneLine) this.spaces()
        return { text: this.text.slice(from + 1, end - 1), from, to: end, quote }
      }
    }
    this.at = this.text.length
    return scalar(this.at)
  }

  /** The lines below `|` or `>`. */
  private literal(parent: number) {
    this.toLineEnd()
    const from = this.at
    while (this.at < this.text.length) {
      const next = this.at + 1
      const indent = indentAt(this.text, next)
      const blank = isLineEnd(this.text[next + indent])
      if (!blank && indent <= parent) break
      this.at = next
      this.toLineEnd()
    }
    if (this.at > from) this.outline.opaque.push({ from: from + 1, to: this.at })
  }

  /** A pair of brackets and what is in it. */
  private flow(parent: number) {
    let around: Flow | null = null
    do {
      const next = this.text[this.at]
      if (next === undefined || (next === '\n' && this.leaves(parent))) return this.abandon(around)
      const entry: FlowEntry | undefined = around?.entries.at(-1)
      if (next === '{' || next === '[') {
        around = this.open(next, around)
      } else if (next === '}' || next === ']') {
        this.at += 1
        if (around) {
          around.closed = true
          around.to = this.at
          around = around.around
        }
      } else if (next === ',') {
        this.at += 1
        around?.entries.push({ from: this.at, key: null, colon: null, value: null })
      } else if (next === ':' && entry && entry.colon === null) {
        if (around?.kind === 'map') {
          entry.key = entry.value
          entry.value = null
          entry.colon = this.at
        }
        this.at += 1
      } else if (next === '#' && isGap(this.text[this.at - 1])) {
        this.comment()
      } else if (isGap(next)) {
        this.at += 1
      } else {
        const scalar = this.quoted(parent) ?? this.flowPlain()
        if (entry && entry.value === null) entry.value = scalar
      }
    } while (around !== null)
  }

  private open(bracket: string, around: Flow | null): Flow {
    const flow: Flow = {
      kind: bracket === '{' ? 'map' : 'list',
      from: this.at,
      to: this.text.length,
      closed: false,
      around,
      entries: [{ from: this.at + 1, key: null, colon: null, value: null }],
    }
    this.outline.flows.push(flow)
    this.at += 1
    return flow
  }

  private abandon(innermost: Flow | null) {
    for (let flow = innermost; flow; flow = flow.around) flow.to = this.at
  }

  private flowPlain(): Scalar {
    const found = /[^,[\]{}\r\n]+?(?=[ \t]*(?:[,[\]{}\r\n]|$)|[ \t]*:(?:[\s,[\]{}]|$)|[ \t]+#)/y
    found.lastIndex = this.at
    const text = found.exec(this.text)?.[0] ?? this.text[this.at] ?? ''
    const from = this.at
    this.at += text.length
    return { text, from, to: this.at, quote: '' }
  }

  /** Whether the line behind this one cannot belong to a value that stands below `parent`. A closing bracket may. */
  private leaves(parent: number): boolean {
    for (let end = this.at; end >= 0; end = this.text.indexOf('\n', end + 1)) {
      const indent = indentAt(this.text, end + 1)
      const first = this.text[end + 1 + indent]
      if (!isLineEnd(first)) return indent <= parent && first !== '}' && first !== ']'
    }
    return false
  }

  /** What is left of a line can only be a comment, or a mistake. */
  private rest() {
    this.spaces()
    if (this.text[this.at] === '#') this.comment()
    this.toLineEnd()
    this.at += 1
  }

  private comment() {
    const from = this.at
    this.toLineEnd()
    this.outline.opaque.push({ from: from + 1, to: this.at })
  }

  private spaces() {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1
  }

  private toLineEnd() {
    const end = this.text.indexOf('\n', this.at)
    this.at = end < 0 ? this.text.length : end
  }
}

function isGap(character: string | undefined): boolean {
  return character === undefined || character === ' ' || character === '\t' || character === '\n' || character === '\r'
}

function isLineEnd(character: string | undefined): boolean {
  return character === undefined || character === '\n' || character === '\r'
}

function indentAt(text: string, from: number): number {
  let at = from
  while (text[at] === ' ') at += 1
  return at - from
}
