import { indentService } from '@codemirror/language'

const opened = /^((?: *- +)* *)[^\s#-][^#]*:[ \t]*(?:#.*)?$/

/** Below a key without a value, a new line begins where its value would. For the rest the language knows best. */
export const indent = indentService.of((context, pos) => {
  const { text } = context.lineAt(pos, -1)
  const before = opened.exec(text)?.[1]
  return before === undefined ? undefined : before.length + context.unit
})
