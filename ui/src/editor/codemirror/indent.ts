import { indentService } from '@codemirror/language'

/** Dashes and blanks before the first word of a line. */
const start = /^((?: *- +)* *)[^\s#-]/
/** A key without a value, or with a text that begins on the next line. */
const opened = /^[^#]*[^\s#]:[ \t]*(?:[|>][+-]?\d?[ \t]*)?(?:#.*)?$/
/** A list or mapping in brackets that goes on. */
const bracket = /[[{,][ \t]*(?:#.*)?$/
/** An element of a list that is no mapping. */
const scalar = /^( *)- +[^#:]*$/

/**
 * Below a key without a value, a new line begins where its value would; below any other line, where that one begins. What stands
 * in brackets the language knows best.
 */
export const indentation = (line: string, unit: number): number | undefined => {
  const own = start.exec(line)?.[1]
  if (own === undefined || bracket.test(line)) return undefined
  if (opened.test(line)) return own.length + unit
  return scalar.exec(line)?.[1]?.length ?? own.length
}

export const indent = indentService.of((context, pos) => indentation(context.lineAt(pos, -1).text, context.unit))
