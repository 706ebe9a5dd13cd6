export type Language = 'json' | 'yaml' | 'text' | 'shell'

export type TokenKind = 'key' | 'string' | 'number' | 'keyword' | 'comment' | 'punctuation'

/** `kind` is null for what has no colour of its own. */
export interface Token {
  kind: TokenKind | null
  text: string
}

/** Colouring more than this costs more than it helps. */
const CEILING = 200_000

/** In order: the first that matches at a place wins. What matches none is left plain. */
const rules: Record<Exclude<Language, 'text'>, [TokenKind, RegExp][]> = {
  json: [
    ['key', /"(?:[^"\\\n]|\\.)*"(?=\s*:)/y],
    ['string', /"(?:[^"\\\n]|\\.)*"/y],
    ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
    ['keyword', /\b(?:true|false|null)\b/y],
    ['punctuation', /[{}[\],:]/y],
  ],
  yaml: [
    ['comment', /(?<=^|\s)#[^\n]*/my],
    ['key', /(?<=^[ \t]*(?:- +)*|[{,][ \t]*)(?:"[^"\n]*"|'[^'\n]*'|[\w$./-]+)(?=\s*:(?:\s|$))/my],
    ['string', /"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'/y],
    ['number', /(?<=[\s[,:])-?\d+(?:\.\d+)?(?=[\s,\]}]|$)/my],
    ['keyword', /(?<=[\s[,:])(?:true|false|null)(?=[\s,\]}]|$)/my],
    ['punctuation', /[{}[\],]|:(?=\s|$)|-(?=\s)/my],
  ],
  shell: [
    ['comment', /(?<=^|\s)#[^\n]*/my],
    ['string', /"(?:[^"\\]|\\.)*"|'[^']*'/y],
    ['keyword', /(?<=^|[|;&]\s*)[\w./-]+/my],
    ['key', /(?<=\s)--?[A-Za-z][\w-]*/y],
    ['punctuation', /[|;&\\]/y],
  ],
}

export function tokensOf(text: string, language: Language): Token[] {
  if (language === 'text' || text.length > CEILING) return [{ kind: null, text }]
  const tokens: Token[] = []
  let plainFrom = 0
  let at = 0
  while (at < text.length) {
    const token = tokenAt(text, at, rules[language])
    if (token === null) {
      at = nextPlace(text, at)
      continue
    }
    if (plainFrom < at) tokens.push({ kind: null, text: text.slice(plainFrom, at) })
    tokens.push(token)
    at += token.text.length
    plainFrom = at
  }
  if (plainFrom < text.length) tokens.push({ kind: null, text: text.slice(plainFrom) })
  return tokens
}

function tokenAt(text: string, at: number, among: [TokenKind, RegExp][]): Token | null {
  for (const [kind, pattern] of among) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null && match[0] !== '') return { kind, text: match[0] }
  }
  return null
}

const word = /[A-Za-z0-9_]+/y

/** Words are taken as a whole: no token begins in the middle of one. */
function nextPlace(text: string, at: number): number {
  word.lastIndex = at
  const match = word.exec(text)
  return at + (match === null ? 1 : match[0].length)
}
