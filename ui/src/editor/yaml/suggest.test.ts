import { describe, expect, it } from 'vitest'
import full from '../../../../crates/gateway/src/config/tests/full.yaml?raw'
import text from '../../../../schema/config.json?raw'
import { placeAt } from './place'
import { schemaAt, type Schema } from './schema'
import { meaningOf, suggestionsAt } from './suggest'

/** The schema that the gateway prints: what we complete has to fit it as it is. */
const schema = JSON.parse(text) as Schema

function at(marked: string) {
  const offset = marked.indexOf('|')
  const place = placeAt(marked.replace('|', ''), offset)
  return place ? suggestionsAt(schema, place) : []
}

const labels = (marked: string) => at(marked).map(({ label }) => label)
const inserted = (marked: string, label: string) => at(marked).find((one) => one.label === label)?.insert.lines.join('\n')

describe('keys', () => {
  it('are those of the place', () => expect(labels('|')).toEqual(['binds', 'config', 'mcp']))
  it('leave out what is there', () => expect(labels('binds:\n|')).toEqual(['config', 'mcp', '- port, listeners']))
  it('are known between brackets', () => expect(labels('mcp: {policies: {|}}')).toEqual(['cors']))
  it('are known deep down', () =>
    expect(labels('binds:\n- listeners:\n  - tls:\n      |')).toEqual(['cert', 'key']))
  it('leave out alternatives to what is there', () => {
    const offered = labels('mcp:\n  targets:\n  - name: a\n    stdio: {cmd: a}\n    |')
    expect(offered).toContain('timeouts')
    expect(offered.filter((key) => ['mcp', 'sse', 'stdio'].includes(key))).toEqual([])
  })
  it('begin with alternatives of which one is needed', () =>
    expect(labels('mcp:\n  targets:\n  - name: a\n    |').slice(0, 4)).toEqual(['mcp', 'sse', 'stdio', 'breaker']))
  it('end where only one may be', () =>
    expect(labels('binds:\n- listeners:\n  - routes:\n    - matches:\n      - path: {exact: /a, |}')).toEqual([]))
  it('are none where names are free', () => expect(labels('mcp:\n  targets:\n  - stdio:\n      env:\n        |')).toEqual([]))
  it('are none below a scalar', () => expect(labels('mcp:\n  port:\n    |')).not.toContain('targets'))
  it('say what they are for', () => {
    const port = at('mcp:\n  |').find(({ label }) => label === 'port')
    expect(port).toMatchObject({ detail: 'default 3000', required: false })
    expect(port?.description.text).toMatch(/^The port to listen on/)
  })
})

describe('what is told', () => {
  it('says what a map cannot do without', () =>
    expect(at('mcp:\n  |').filter(({ required }) => required).map(({ label, detail }) => [label, detail])).toEqual([['targets', 'required']]))
  it('says what an item is for', () => {
    const item = at('mcp:\n  targets:\n  |').find(({ label }) => label === '- name, stdio')
    expect(item?.description.text).toMatch(/^A program to start/)
  })
  it('knows values under names of one\'s own', () =>
    expect(schemaAt(schema, ['mcp', 'targets', 0, 'stdio', 'env', 'HOME'])?.type).toContain('string'))
  it('knows nothing of names that there are not', () => expect(schemaAt(schema, ['mcp', 'target'])).toBeNull())
})

describe('values', () => {
  it('are those of the key', () => expect(labels('mcp:\n  prefixMode: |')).toEqual(['conditional', 'always', 'never']))
  it('mark the default', () => expect(at('mcp:\n  failureMode: |').map(({ detail }) => detail)).toEqual(['default', '']))
  it('may stand on the next line', () => expect(labels('mcp:\n  prefixMode:\n    |')).toContain('never'))
  it('are true and false', () =>
    expect(labels('mcp: {policies: {cors: {allowCredentials: |}}}')).toEqual(['true', 'false']))
  it('are the default where anything goes', () => expect(labels('config:\n  adminAddr: |')).toEqual(['localhost:15000']))
  it('mean something', () => {
    const mode = schemaAt(schema, ['mcp', 'prefixMode'])
    expect(mode && meaningOf(mode, 'always')).toBe('Also if there is only one target.')
    expect(mode && meaningOf(mode, 'sometimes')).toBeNull()
  })
})

describe('what is inserted', () => {
  it('leaves a place for a scalar', () => expect(inserted('mcp:\n  targets: []\n  |', 'port')).toBe('port: ${3000}'))
  it('opens brackets for a list of words', () =>
    expect(inserted('mcp: {policies: {cors: {|}}}', 'allowOrigins')).toBe('allowOrigins: [${}]'))
  it('goes on below a map', () => expect(inserted('mcp:\n  |', 'policies')).toBe('policies:\n  ${}'))
  it('opens braces where a map has one key', () =>
    expect(inserted('binds:\n- listeners:\n  - routes:\n    - matches:\n      - |', 'path')).toBe('path: {${}}'))
  it('brings what is required', () =>
    expect(inserted('binds:\n- listeners:\n  - |', 'tls')).toBe('tls:\n  cert: ${cert}\n  key: ${key}'))
  it('is only the key where a colon follows', () => expect(inserted('mcp:\n  po|: 1', 'port')).toBe('port'))
  it('stays on the line between brackets', () => expect(inserted('{|}', 'mcp')).toBe('mcp: {${}}'))

  it('makes whole targets, one for each way to reach them', () => {
    const list = 'mcp:\n  targets:\n  |'
    expect(labels(list).filter((label) => label.startsWith('-'))).toEqual(['- name, stdio', '- name, mcp', '- name, sse'])
    expect(inserted(list, '- name, stdio')).toBe('- name: ${name}\n  stdio:\n    cmd: ${cmd}')
    expect(inserted('mcp:\n  targets:\n  - |', 'name, mcp')).toBe('name: ${name}\nmcp:\n  host: ${host}')
  })

  it('makes a whole configuration', () =>
    expect(inserted('|', 'binds')).toBe(`binds:
- port: \${port}
  listeners:
  - routes:
    - backends:
      - mcp:
          targets:
          - name: \${name}
            stdio:
              cmd: \${cmd}`))

  it('asks for the next choice only where there is one', () => {
    const continues = (label: string) => at('mcp:\n  |').find((one) => one.label === label)?.insert.continues
    expect([continues('prefixMode'), continues('policies'), continues('port')]).toEqual([true, true, false])
    expect(at('{|}').find(({ label }) => label === 'mcp')?.insert.continues).toBe(true)
  })
})

describe('a file with every key', () => {
  it('is known wherever one is while typing it', () => {
    for (let end = 0; end <= full.length; end += 1) {
      const place = placeAt(full.slice(0, end), end)
      const known = place === null || schemaAt(schema, place.path) !== null
      expect(known, `behind ${JSON.stringify(full.slice(0, end).slice(-60))}: ${place?.path.join('.')}`).toBe(true)
    }
  })
  it('has no key that would not be offered in its place', () => {
    const keys = [...full.matchAll(/^ *(?:- +)*(\w+):/gm)].filter(([line]) => !line.includes('#'))
    expect(keys.length).toBeGreaterThan(40)
    for (const { index, 0: line, 1: key } of keys) {
      const from = index + line.length - 1 - (key?.length ?? 0)
      const place = placeAt(full, from)
      const offered = place ? suggestionsAt(schema, place).map(({ label }) => label) : []
      const free = place && typeof schemaAt(schema, place.path)?.additionalProperties === 'object'
      expect(free || offered.includes(key ?? ''), `${key} in ${place?.path.join('.')}`).toBe(true)
    }
  })
})
