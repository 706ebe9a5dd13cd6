import { expect, test } from 'vitest'
import { indentation } from './indent'

test.each([
  ['mcp:', 2],
  ['mcp:   # the short form', 2],
  ['- name: a', 2],
  ['  port: 0', 2],
  ['    port: 0          # a comment far away', 4],
  ['  - stdio:', 6],
  ['- - a: b', 4],
  ['  - plain', 2],
  ['  text: |', 4],
  ['  text: >-  # folded', 4],
  ['  url: http://localhost:80', 2],
])('below %j a line begins at column %d', (line, column) => {
  expect(indentation(line, 2)).toBe(column)
})

test.each(['', '   ', '# comment', '  args: [', '    a,', '  env: {'])('below %j the language decides', (line) => {
  expect(indentation(line, 2)).toBeUndefined()
})
