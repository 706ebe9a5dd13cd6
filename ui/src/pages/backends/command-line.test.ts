import { expect, test } from 'vitest'
import { joinCommand, splitCommand } from './command-line'

const words = (line: string) => splitCommand(line).words

test('words stand between blanks', () => {
  expect(words('  npx  -y @modelcontextprotocol/server-everything\t')).toEqual([
    'npx',
    '-y',
    '@modelcontextprotocol/server-everything',
  ])
  expect(words('')).toEqual([])
})

test('quotes and backslashes keep together what belongs together', () => {
  expect(words(`serve "my files" 'it is "this"' a\\ b ""`)).toEqual(['serve', 'my files', 'it is "this"', 'a b', ''])
  expect(words(`--name="a \\"b\\" \\c"`)).toEqual(['--name=a "b" \\c'])
})

test('variables are left to the configuration', () => {
  expect(words('serve ${HOME}/files $TOKEN')).toEqual(['serve', '${HOME}/files', '$TOKEN'])
})

test('a quote that is never closed is told', () => {
  expect(splitCommand('serve "my files').unclosed).toBe(true)
  expect(splitCommand('serve "my files"').unclosed).toBe(false)
})

test.each([
  [['uvx', 'mcp-server-time']],
  [['a b', '', "it's", '"quoted"', 'it\'s "both"', 'back\\slash', "\\'", '$HOME', 'tab\there', 'line\nbreak']],
])('%j survives being joined and split', (given) => {
  expect(splitCommand(joinCommand(given))).toEqual({ words: given, unclosed: false })
})
