/**
 * A command line as a person types it, taken apart as a shell would: words between blanks, quotes around what belongs together, a
 * backslash before what is meant as it is. Nothing else: `$NAME` stays, because the configuration knows variables and there is no shell.
 */
export function splitCommand(line: string): { words: string[]; unclosed: boolean } {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at)
    const next = line.charAt(at + 1)
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"' && (next === '"' || next === '\\')) {
        word += next
        at += 1
      } else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\' && next !== '') {
      word = (word ?? '') + next
      at += 1
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + char
  }
  if (word !== null) words.push(word)
  return { words, unclosed: quote !== '' }
}

/** The other way round: a line that `splitCommand` takes apart into these words. */
export function joinCommand(words: string[]): string {
  return words.map(quoted).join(' ')
}

function quoted(word: string): string {
  if (word !== '' && !/[\s"'\\]/.test(word)) return word
  return word.includes("'") ? `"${word.replaceAll(/["\\]/g, '\\$&')}"` : `'${word}'`
}
