import { expect, test } from 'vitest'
import type { Backend, Listener, Status, Target } from '../../api/types'
import { findingsOf, verdictOf } from './findings'

function target(name: string, more: Partial<Target> = {}): Target {
  return {
    name,
    transport: { kind: 'stdio', command: name },
    state: 'ready',
    since: '2026-11-21T08:00:00Z',
    reason: null,
    attempts: 0,
    nextAttemptAt: null,
    peer: null,
    counts: { tools: 1, prompts: 0, resources: 0, resourceTemplates: 0 },
    listFaults: [],
    processes: [],
    restarts: 0,
    stderr: [],
    breaker: { state: 'closed', failures: 0, reason: null, nextTrialAt: null, openings: 0 },
    settings: {},
    calls: { total: 0, errors: 0, running: 0, p50Ms: null, p90Ms: null, p99Ms: null },
    ...more,
  }
}

function backend(targets: Target[]): Backend {
  return { key: 'b', prefixMode: 'conditional', failureMode: 'failOpen', statefulMode: 'stateful', sessions: 0, targets }
}

function listener(exposed: boolean): Listener {
  const address = exposed ? '0.0.0.0' : '127.0.0.1'
  return { key: 'l', name: null, address, port: 3000, hostname: null, protocol: 'HTTP', exposed, routes: [] }
}

function status(targets: Target[], config: Partial<Status['config']> = {}, exposed = false): Status {
  return {
    version: '1',
    startedAt: '2026-11-21T08:00:00Z',
    ready: true,
    config: {
      source: 'file',
      path: 'config.yaml',
      writable: true,
      loadedAt: '2026-11-21T08:00:00Z',
      problem: null,
      restart: [],
      ...config,
    },
    logLevel: 'info',
    logLevelFrom: 'config',
    listeners: [listener(exposed)],
    routes: [],
    backends: targets.length === 0 ? [] : [backend(targets)],
    traffic: { bucketSeconds: 60, calls: [], errors: [], p50Ms: [] },
  }
}

const kinds = (of: Status) => findingsOf(of).map(({ kind }) => kind)

test('a gateway whose targets are ready has no findings', () => {
  const findings = findingsOf(status([target('time')]))
  expect(findings).toEqual([])
  expect(verdictOf(findings)).toEqual({ tone: 'ok', text: 'Everything is all right' })
})

test('what does not work stands before what may bite later', () => {
  const failing = target('search', { state: 'failing', reason: 'connection refused' })
  const problem = { text: '1 fault', faults: [] }
  expect(kinds(status([target('time'), failing], { problem, restart: ['config.adminAddr'] }, true))).toEqual([
    'problem',
    'failing',
    'restart',
    'exposed',
  ])
})

test('a target that fails stands before one that only cannot be read', () => {
  const unread = target('a', { listFaults: [{ list: 'tools', reason: 'too slow' }] })
  expect(kinds(status([target('b', { state: 'starting' }), unread, target('c', { state: 'failing' })]))).toEqual([
    'failing',
    'list',
    'starting',
  ])
})

test('a failing target is not reported a second time for its lists', () => {
  const listFaults = [{ list: 'tools', reason: 'it is down' }]
  expect(kinds(status([target('a', { state: 'failing', listFaults })]))).toEqual(['failing'])
  expect(kinds(status([target('a', { listFaults })]))).toEqual(['list'])
})

test('a target that is there but whose calls are refused does not work', () => {
  const open = { state: 'open' as const, failures: 5, reason: 'silent', nextTrialAt: '2026-11-21T12:00:00Z', openings: 1 }
  const findings = findingsOf(status([target('a', { breaker: open })]))
  expect(findings.map(({ kind, tone }) => [kind, tone])).toEqual([['breaker', 'bad']])
  expect(kinds(status([target('a', { state: 'failing', breaker: open })]))).toEqual(['failing'])
})

test('the verdict counts what does not work and leaves the rest for when that is done', () => {
  const failing = (name: string) => target(name, { state: 'failing' })
  expect(verdictOf(findingsOf(status([failing('a')], {}, true))).text).toBe('One thing does not work')
  expect(verdictOf(findingsOf(status([failing('a'), failing('b')]))).text).toBe('2 things do not work')
  expect(verdictOf(findingsOf(status([target('a')], {}, true))).tone).toBe('warn')
})

test('targets that start are neither fine nor broken', () => {
  const findings = findingsOf(status([target('a', { state: 'starting' }), target('b')]))
  expect(findings).toEqual([{ tone: 'info', kind: 'starting', names: ['a'] }])
  expect(verdictOf(findings).tone).toBe('info')
})

test('a gateway without targets says so', () => {
  expect(kinds(status([]))).toEqual(['empty'])
})
