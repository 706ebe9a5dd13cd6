import { expect, test } from 'vitest'
import { tokensOf, type Language } from './highlight'

const texts = {
  json: '{"a b": [1, -2.5e3, true, null, "x: \\"y\\""], "k": "v"}\n',
  yaml: '# top\nbinds:\n- port: 3000 # the port\n  name: "a: b"\n  args: [x, true, 7]\n  url: http://a:1/b#c\n',
  shell: `claude mcp add --transport http gateway 'http://a/b c' | grep -i "x" # done\n`,
}

/** Tokens as `kind:text`, without what has no kind. */
const kinds = (language: keyof typeof texts) =>
  tokensOf(texts[language], language).flatMap(({ kind, text }) => (kind === null ? [] : [`${kind}:${text}`]))

test.each(Object.entries(texts))('colouring %s loses no character', (language, text) => {
  expect(
    tokensOf(text, language as Language)
      .map((token) => token.text)
      .join(''),
  ).toBe(text)
})

test('JSON tells keys from strings, also when they hold quotes', () => {
  expect(kinds('json').filter((token) => !token.startsWith('punctuation'))).toEqual([
    'key:"a b"',
    'number:1',
    'number:-2.5e3',
    'keyword:true',
    'keyword:null',
    'string:"x: \\"y\\""',
    'key:"k"',
    'string:"v"',
  ])
})

test('YAML does not take a URL apart', () => {
  const found = kinds('yaml').filter((token) => !token.startsWith('punctuation'))
  expect(found).toEqual([
    'comment:# top',
    'key:binds',
    'key:port',
    'number:3000',
    'comment:# the port',
    'key:name',
    'string:"a: b"',
    'key:args',
    'keyword:true',
    'number:7',
    'key:url',
  ])
})

test('a shell line shows its commands, options and strings', () => {
  expect(kinds('shell')).toEqual([
    'keyword:claude',
    'key:--transport',
    "string:'http://a/b c'",
    'punctuation:|',
    'keyword:grep',
    'key:-i',
    'string:"x"',
    'comment:# done',
  ])
})

test('no token begins in the middle of a word', () => {
  expect(tokensOf('{a1: 2, xtrue: v2}', 'json').filter(({ kind }) => kind !== null && kind !== 'punctuation')).toEqual([
    { kind: 'number', text: '2' },
  ])
})

test('plain text and what is too long are left alone', () => {
  expect(tokensOf('{"a":1}', 'text')).toEqual([{ kind: null, text: '{"a":1}' }])
  const long = `"${'x'.repeat(300_000)}"`
  expect(tokensOf(long, 'json')).toEqual([{ kind: null, text: long }])
})
