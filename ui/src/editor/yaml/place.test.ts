import { describe, expect, it } from 'vitest'
import { placeAt, thingAt } from './place'

/** The place at the `|` in a text. */
function at(marked: string) {
  const offset = marked.indexOf('|')
  return placeAt(marked.slice(0, offset) + marked.slice(offset + 1), offset)
}

/** The same, as one line: what can be written, where, and what is there already. */
function told(marked: string): string {
  const place = at(marked)
  if (!place) return 'nothing'
  const { path, accepts, list, siblings } = place
  return [`${accepts} of ${path.join('.') || 'top'}`, siblings.length ? `next to ${siblings.join(', ')}` : '', list ? `item of ${list.join('.')}` : '']
    .filter(Boolean)
    .join('; ')
}

const file = `# a comment
binds:
- port: 3000
  listeners:
  - routes:
    - policies:
        cors: {allowOrigins: ["*"], allowHeaders: [a, b]}
      backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
          - name: everything
`

describe('block style', () => {
  const cases: [string, string, string][] = [
    ['an empty text', '|', 'key of top'],
    ['above everything', '|\n\nmcp: {}', 'key of top; next to mcp'],
    ['a word being typed', 'mc|', 'key of top'],
    ['a second key', 'config:\n  adminAddr: off\nmc|', 'key of top; next to config'],
    ['keys below the cursor count', 'm|\nconfig: {}\n', 'key of top; next to config'],
    ['an existing key is not its own sibling', 'mcp:\n  po|rt: 1\n  targets: []', 'key of mcp; next to targets'],
    ['below a key', 'mcp:\n  |', 'either of mcp; item of mcp'],
    ['next to a key', 'mcp:\n  port: 3000\n  |', 'key of mcp; next to port'],
    ['deeper than a key that has a value', 'mcp:\n  port: 3000\n    |', 'nothing'],
    ['at an indentation that fits nothing', 'mcp:\n    port: 3000\n  |', 'nothing'],
    ['behind a colon', 'mcp:\n  prefixMode: |', 'value of mcp.prefixMode'],
    ['in a value', 'mcp:\n  prefixMode: nev|er', 'value of mcp.prefixMode'],
    ['right at the colon', 'mcp:\n  prefixMode:|', 'nothing'],
    ['behind a value', 'mcp:\n  prefixMode: never |', 'nothing'],
    ['a value on the next line', 'prefixMode:\n  |', 'either of prefixMode; item of prefixMode'],
    ['in a comment', 'mcp: # a|', 'nothing'],
    ['in a text of two lines', 'x: "a\n  b|"', 'nothing'],
    ['before a key', ' | port: 3000', 'nothing'],
    ['right behind the sign of a comment', 'mcp: #|', 'nothing'],
    ['above the next key', 'mcp:\n  |\nconfig:\n  adminAddr: off', 'either of mcp; item of mcp'],
  ]
  it.each(cases)('%s', (_, marked, expected) => expect(told(marked)).toBe(expected))

  it('knows the lines below a bar', () => {
    const text = 'mcp:\n  x: >-\n   a: 1\n\n   b: 2\n  y'
    expect(placeAt(text, text.indexOf('b'))).toBeNull()
    expect(thingAt(text, text.indexOf('b'))).toBeNull()
    expect(placeAt(text, text.length)?.siblings).toEqual(['x'])
    const bar = text.replace('>', '|')
    expect(thingAt(bar, bar.indexOf('b'))).toBeNull()
  })
})

describe('lists', () => {
  const cases: [string, string, string][] = [
    ['behind a dash', 'targets:\n- |', 'either of targets.0'],
    ['right at the dash', 'targets:\n-|', 'nothing'],
    ['next to the first key of an item', 'targets:\n- name: a\n  |', 'key of targets.0; next to name'],
    ['the second item', 'targets:\n- name: a\n- |', 'either of targets.1'],
    ['a new item in the column of the key', 'mcp:\n  targets:\n  - name: a\n  |', 'key of mcp; next to targets; item of mcp.targets'],
    ['a new item beyond the column of the key', 'targets:\n  - name: a\n  |', 'either of targets; item of targets'],
    ['the first item in the column of the key', 'mcp:\n  targets:\n  |', 'key of mcp; next to targets; item of mcp.targets'],
    ['no item next to keys', 'mcp:\n  targets:\n    - name: a\n  |', 'key of mcp; next to targets'],
    ['a new item after two', 'mcp:\n  targets:\n  - name: a\n  - name: b\n  |', 'key of mcp; next to targets; item of mcp.targets'],
    ['above the first item, deeper than its dash', 'targets:\n  |\n- name: a', 'either of targets'],
    ['no item where a key stands', 'targets:\n- name: a\nco|nfig: 1', 'key of top; next to targets'],
    ['behind two dashes', 'a:\n- - |', 'either of a.0.0'],
    ['in a list in a list', 'a:\n- - x: 1\n    |', 'key of a.0.0; next to x'],
    ['a scalar', 'args:\n- mc|', 'either of args.0'],
    ['deep down', file.replace('- name: everything\n', '- name: everything\n            |'), 'key of binds.0.listeners.0.routes.0.backends.0.mcp.targets.1; next to name'],
    ['next to a nested list', file.replace('      backends:', '      |\n      backends:'), 'key of binds.0.listeners.0.routes.0; next to policies, backends'],
    ['a value deep down', file.replace('cmd: uvx', 'cmd: |uvx'), 'value of binds.0.listeners.0.routes.0.backends.0.mcp.targets.0.stdio.cmd'],
  ]
  it.each(cases)('%s', (_, marked, expected) => expect(told(marked)).toBe(expected))
})

describe('flow style', () => {
  const cases: [string, string, string][] = [
    ['an empty map', 'mcp: {|}', 'key of mcp'],
    ['a second key', 'mcp: {port: 1, |}', 'key of mcp; next to port'],
    ['an earlier key', 'mcp: {|, port: 1}', 'key of mcp; next to port'],
    ['a key without a value is a sibling', 'mcp: {port, |}', 'key of mcp; next to port'],
    ['a key that is there', 'mcp: {port|: 1}', 'key of mcp'],
    ['before the bracket', 'mcp: |{}', 'value of mcp'],
    ['a map right behind the bracket of a list', 'targets: [{|}]', 'key of targets.0'],
    ['a value', 'mcp: {prefixMode: |}', 'value of mcp.prefixMode'],
    ['a value in quotes', 'mcp: {prefixMode: "n|"}', 'value of mcp.prefixMode'],
    ['a key like those of JSON', '{"mcp":{"prefixMode":|}}', 'value of mcp.prefixMode'],
    ['an item', 'cors: {allowOrigins: [a, |]}', 'value of cors.allowOrigins.1'],
    ['a map in a list in a map', 'mcp: {targets: [{name: a}, {name: b, |}]}', 'key of mcp.targets.1; next to name'],
    ['over several lines', 'mcp: {\n  port: 1,\n  |\n}', 'key of mcp; next to port'],
    ['not closed', 'mcp:\n  cors: {allow|\n  port: 3000', 'key of mcp.cors'],
    ['not closed does not swallow the next key', 'mcp:\n  cors: {allow\n  po|rt: 1', 'key of mcp; next to cors'],
    ['a quote that is not closed does not either', 'mcp:\n  cors: {allow: "\n  po|rt: 1', 'key of mcp; next to cors'],
    ['on a line of its own', 'a: 1\nmcp:\n  {|}', 'key of mcp'],
    ['behind a dash', 'targets:\n- {|}', 'key of targets.0'],
    ['behind an escaped quote', 'mcp: {a: "x\\" }", |}', 'key of mcp; next to a'],
    ['behind a doubled quote', "mcp: {a: 'it''s }', |}", 'key of mcp; next to a'],
    ['behind a quote of the other kind', `mcp: {a: 'x" }', b: "it's }", |}`, 'key of mcp; next to a, b'],
    ['behind the closing bracket', 'mcp: {}|', 'value of mcp'],
    ['a comment in it', 'mcp: {\n  port: 1, # a|\n}', 'nothing'],
  ]
  it.each(cases)('%s', (_, marked, expected) => expect(told(marked)).toBe(expected))
})

describe('the word', () => {
  it('reaches from the first letter to the cursor', () => {
    expect(at('mcp:\n  pre|')?.word).toEqual({ from: 7, to: 10 })
  })
  it('takes in all of a key that is there, and sees its colon', () => {
    expect(at('mcp:\n  po|rt: 3000')).toMatchObject({ word: { from: 7, to: 11 }, colon: true, column: 2 })
  })
  it('stays between quotes', () => {
    expect(at('a: "o|ff"')?.word).toEqual({ from: 4, to: 7 })
  })
  it('is all of a value, from its first letter to behind its last', () => {
    expect(at('a: |off')?.word).toEqual({ from: 3, to: 6 })
    expect(at('a: off|')?.word).toEqual({ from: 3, to: 6 })
  })
  it('is a key between brackets', () => expect(at('{po|rt: 1}')).toMatchObject({ word: { from: 1, to: 5 }, colon: true }))
  it('is empty where nothing is typed yet', () => expect(at('{a: off |}')?.word).toEqual({ from: 8, to: 8 }))
  it('begins behind the dashes', () => {
    expect(at('targets:\n- na|')).toMatchObject({ word: { from: 11, to: 13 }, column: 2 })
  })
})

describe('the thing under the mouse', () => {
  const thing = (word: string) => {
    const found = thingAt(file, file.indexOf(word))
    return found && `${found.kind} ${found.path.join('.')}: ${found.text}`
  }
  it('is a key', () => expect(thing('listeners')).toBe('key binds.0.listeners: listeners'))
  it('is a key of an item', () => expect(thing('name: everything')).toBe('key binds.0.listeners.0.routes.0.backends.0.mcp.targets.1.name: name'))
  it('is a value', () => expect(thing('uvx')).toBe('value binds.0.listeners.0.routes.0.backends.0.mcp.targets.0.stdio.cmd: uvx'))
  it('is a key between brackets', () => expect(thing('allowHeaders')).toBe('key binds.0.listeners.0.routes.0.policies.cors.allowHeaders: allowHeaders'))
  it('is an item between brackets', () => expect(thing('b]')).toBe('value binds.0.listeners.0.routes.0.policies.cors.allowHeaders.1: b'))
  it('is nothing in a comment', () => expect(thing('comment')).toBeNull())
  it('ends with its last letter', () => expect(thingAt(file, file.indexOf('uvx') + 3)).toBeNull())
  it('is nothing between words', () => expect(thing(' time')).toBeNull())
})
