import { expect, test } from 'vitest'
import type { TargetSpec } from '../../api/types'
import { draftOf, emptyDraft, errorsOf, specOf, type TargetDraft } from './target-draft'

const specs: TargetSpec[] = [
  { name: 'time', stdio: { cmd: 'uvx', args: ['mcp-server-time'] } },
  {
    name: 'files',
    stdio: { cmd: '/opt/my server', args: ['${HOME}', ''], env: { LOG_LEVEL: 'warn', EMPTY: '' }, clear_env: true, cwd: '/tmp' },
  },
  { name: 'search', mcp: { host: 'https://mcp.example.com/mcp' } },
  { name: 'notes', mcp: { host: 'localhost', port: 8080, path: '/mcp' } },
  { name: 'by-variables', mcp: { host: '$NOTES_HOST', port: '$NOTES_PORT', path: '/mcp' } },
  { name: 'bare', stdio: { cmd: 'serve', clear_env: '${BARE:-false}' } },
  { name: 'tickets', sse: { host: 'http://localhost:8090/sse' } },
]

test.each(specs)('$name comes out of the form as it went in', (spec) => {
  expect(specOf(draftOf(spec))).toEqual(spec)
  expect(errorsOf(draftOf(spec), [])).toEqual({})
})

const draft = (changes: Partial<TargetDraft>): TargetDraft => ({ ...emptyDraft, name: 'a', command: 'serve', ...changes })

test('what was typed for another way to reach it is not written', () => {
  expect(specOf(draft({ host: 'http://localhost:1' }))).toEqual({ name: 'a', stdio: { cmd: 'serve' } })
  expect(specOf(draft({ kind: 'mcp', host: ' http://localhost:1 ' }))).toEqual({ name: 'a', mcp: { host: 'http://localhost:1' } })
})

test.each([
  ['', 'Type a name'],
  ['my_server', 'holds no _'],
  ['a+b', 'holds no +'],
  ['Time', 'lower-case'],
  ['2go', 'a letter first'],
  ['go-', 'letter or digit last'],
  ['taken', 'Another target'],
])('the name %j is refused with words', (name, words) => {
  expect(errorsOf(draft({ name }), ['taken']).name).toContain(words)
})

test('what is missing is said beside its field', () => {
  expect(Object.keys(errorsOf(draft({ command: ' ' }), []))).toEqual(['command'])
  expect(Object.keys(errorsOf(draft({ command: 'serve "a' }), []))).toEqual(['command'])
  expect(Object.keys(errorsOf(draft({ kind: 'mcp', command: '' }), []))).toEqual(['host'])
  expect(Object.keys(errorsOf(draft({ kind: 'mcp', host: 'example.com' }), []))).toEqual(['host'])
  expect(errorsOf(draft({ kind: 'mcp', host: '$SEARCH_URL' }), [])).toEqual({})
  expect(Object.keys(errorsOf(draft({ kind: 'sse', host: 'a', inPieces: true, port: '99999' }), []))).toEqual(['port'])
  expect(
    errorsOf(
      draft({
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      }),
      [],
    ).env,
  ).toContain('twice')
  expect(errorsOf(draft({ env: [{ name: '', value: '1' }] }), []).env).toContain('no name')
})
