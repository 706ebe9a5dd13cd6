import { targetsOf } from '../../api/names'
import type { Backend, Fault, Listener, Status, Target } from '../../api/types'

/** Something that a person should know or do. `bad` does not work, `warn` may bite later, `info` passes by itself. */
export type Finding = { tone: 'bad' | 'warn' | 'info' } & (
  | { kind: 'problem'; text: string; faults: Fault[]; path: string | null; loadedAt: string }
  | { kind: 'failing'; backend: Backend; target: Target }
  | { kind: 'breaker'; backend: Backend; target: Target }
  | { kind: 'list'; backend: Backend; target: Target; list: string; reason: string }
  | { kind: 'restart'; keys: string[] }
  | { kind: 'exposed'; listeners: Listener[] }
  | { kind: 'starting'; names: string[] }
  | { kind: 'empty' }
)

/** What is to be said about the gateway, the worst first. Nothing means that everything is all right. */
export function findingsOf(status: Status): Finding[] {
  const { config, listeners } = status
  const targets = targetsOf(status)
  const all: Finding[] = []
  if (config.problem !== null) {
    const { text, faults } = config.problem
    all.push({ tone: 'bad', kind: 'problem', text, faults, path: config.path, loadedAt: config.loadedAt })
  }
  for (const { backend, target } of targets) {
    if (target.state === 'failing') all.push({ tone: 'bad', kind: 'failing', backend, target })
    else if (target.state === 'ready' && target.breaker.state !== 'closed') all.push({ tone: 'bad', kind: 'breaker', backend, target })
    // A target that is down says so once; that its lists cannot be read follows from it.
    else for (const fault of target.listFaults) all.push({ tone: 'warn', kind: 'list', backend, target, ...fault })
  }
  if (config.restart.length > 0) all.push({ tone: 'warn', kind: 'restart', keys: config.restart })
  const exposed = listeners.filter((listener) => listener.exposed)
  if (exposed.length > 0) all.push({ tone: 'warn', kind: 'exposed', listeners: exposed })
  if (targets.length === 0) all.push({ tone: 'warn', kind: 'empty' })
  const names = targets.filter(({ target }) => target.state === 'starting').map(({ target }) => target.name)
  if (names.length > 0) all.push({ tone: 'info', kind: 'starting', names })
  return all.sort((a, b) => tones.indexOf(a.tone) - tones.indexOf(b.tone))
}

const tones: Finding['tone'][] = ['bad', 'warn', 'info']

/** The one line that answers the first question. */
export function verdictOf(findings: Finding[]): { tone: 'ok' | 'warn' | 'bad' | 'info'; text: string } {
  const of = (tone: Finding['tone']) => findings.filter((finding) => finding.tone === tone).length
  const bad = of('bad')
  const warn = of('warn')
  if (bad > 0) return { tone: 'bad', text: bad === 1 ? 'One thing does not work' : `${bad} things do not work` }
  if (of('info') > 0) return { tone: 'info', text: 'The gateway is starting its targets' }
  if (warn > 0)
    return {
      tone: 'warn',
      text: warn === 1 ? 'Everything works; one thing to look at' : `Everything works; ${warn} things to look at`,
    }
  return { tone: 'ok', text: 'Everything is all right' }
}
