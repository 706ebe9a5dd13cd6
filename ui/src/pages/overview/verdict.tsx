import type { ReactNode } from 'react'
import { targetPlace } from '../../api/names'
import type { Fault, Listener, Status } from '../../api/types'
import { ToneMark } from '../../parts/badge'
import { useNow } from '../../parts/clock'
import { Icon, type IconName } from '../../parts/icon'
import { Link } from '../../parts/link'
import { listed, sentence } from '../../parts/format'
import { Prose } from '../../parts/prose'
import { Time } from '../../parts/time'
import { BreakerWords } from '../backends/breaker'
import { RestartButton } from '../backends/restart'
import { findingsOf, verdictOf, type Finding } from './findings'
import './verdict.css'

const icons: Record<'ok' | 'warn' | 'bad' | 'info', IconName> = { ok: 'check', warn: 'warning', bad: 'error', info: 'clock' }

/** Is everything all right, and if not, what exactly and what to do about it. */
export function Verdict({ status }: { status: Status }) {
  const findings = findingsOf(status)
  const verdict = verdictOf(findings)
  return (
    <section className={`verdict verdict-${verdict.tone}`} aria-labelledby="verdict">
      <h2 className="verdict-line" id="verdict" aria-live="polite">
        <Icon name={icons[verdict.tone]} />
        {verdict.text}
      </h2>
      {findings.length > 0 && (
        <ul className="verdict-findings">
          {findings.map((finding, index) => (
            <li key={index} className="finding">
              <ToneMark tone={finding.tone} />
              <Words finding={finding} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Words({ finding }: { finding: Finding }) {
  switch (finding.kind) {
    case 'problem':
      return <ProblemWords {...finding} />
    case 'failing':
      return <FailingWords {...finding} />
    case 'breaker':
      return (
        <Said
          title={
            <>
              Calls to <code>{finding.target.name}</code> are refused
            </>
          }
          actions={
            <>
              <RestartButton backend={finding.backend} target={finding.target} />
              <Link plain to={targetPlace(finding.backend, finding.target)}>
                Details
              </Link>
            </>
          }
        >
          <BreakerWords breaker={finding.target.breaker} />
        </Said>
      )
    case 'list':
      return (
        <Said
          title={
            <>
              The {finding.list} of <code>{finding.target.name}</code> could not be read
            </>
          }
          actions={
            <Link plain to={targetPlace(finding.backend, finding.target)}>
              Details
            </Link>
          }
        >
          <Prose text={sentence(finding.reason)} /> What was known of them before is still served.
        </Said>
      )
    case 'restart':
      return (
        <Said title="Changes wait for a restart of the gateway">
          <Prose text={listed(finding.keys.map((key) => `\`${key}\``))} /> {finding.keys.length === 1 ? 'takes' : 'take'} effect
          only when it starts. Stop it and start it again when it suits.
        </Said>
      )
    case 'exposed':
      return (
        <Said
          title={`Other machines can use everything behind ${portsOf(finding.listeners)}`}
          actions={
            <Link plain to="listeners">
              Listeners
            </Link>
          }
        >
          Nothing authenticates clients. <code>address: 127.0.0.1</code> at the listener keeps it to this machine; behind a
          firewall you may want it as it is.
        </Said>
      )
    case 'starting':
      return (
        <Said
          title={
            <>
              {listed(finding.names)} {finding.names.length === 1 ? 'is' : 'are'} starting
            </>
          }
        >
          The first start of a program may have to download it.
        </Said>
      )
    case 'empty':
      return (
        <Said
          title="There are no targets"
          actions={
            <Link plain to="configuration">
              Open the configuration
            </Link>
          }
        >
          Add an MCP server to the configuration, and clients find its tools here.
        </Said>
      )
  }
}

/** `port 3000`, `ports 3000 and 8443` */
function portsOf(listeners: Listener[]): string {
  const ports = [...new Set(listeners.map(({ port }) => String(port)))]
  return `${ports.length === 1 ? 'port' : 'ports'} ${listed(ports)}`
}

function ProblemWords({ text, faults, path, loadedAt }: Extract<Finding, { kind: 'problem' }>) {
  return (
    <Said
      title={
        <>
          <code>{path ?? 'The configuration'}</code> is not in force
        </>
      }
      actions={
        <Link plain to={placeOf(faults[0])}>
          Correct it
        </Link>
      }
    >
      The gateway goes on with what it took over <Time at={loadedAt} />.
      {faults.length === 0 ? (
        <p>
          <Prose text={sentence(text)} />
        </p>
      ) : (
        <ul className="finding-faults">
          {faults.map((fault, index) => (
            <li key={index}>
              {fault.line > 0 && (
                <Link className="mono" to={placeOf(fault)}>
                  <span className="visually-hidden">Line and column </span>
                  {fault.line}:{fault.column}
                </Link>
              )}
              <span>
                <Prose text={sentence(fault.hint === undefined ? fault.message : `${fault.message}; ${fault.hint}`)} />
                {fault.path !== '' && <code className="finding-path">{fault.path}</code>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Said>
  )
}

function placeOf(fault: Fault | undefined): string {
  return fault === undefined || fault.line === 0 ? 'configuration' : `configuration?line=${fault.line}&column=${fault.column}`
}

function FailingWords({ backend, target }: Extract<Finding, { kind: 'failing' }>) {
  const reason = target.reason ?? 'It gave no reason'
  const last = target.stderr.at(-1)
  return (
    <Said
      title={
        <>
          <code>{target.name}</code> is failing
        </>
      }
      actions={
        <>
          <RestartButton backend={backend} target={target} />
          <Link plain to={targetPlace(backend, target)}>
            Details
          </Link>
        </>
      }
    >
      <p>
        <Prose text={sentence(reason)} />
        {target.nextAttemptAt !== null && <NextAttempt at={target.nextAttemptAt} />}
      </p>
      {last !== undefined && !reason.includes(last) && (
        <p className="finding-stderr">
          <span className="visually-hidden">Its last line of standard error: </span>
          <samp>{last}</samp>
        </p>
      )}
    </Said>
  )
}

function Said({ title, actions, children }: { title: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <>
      <div className="finding-words">
        <h3>{title}</h3>
        <div className="finding-text">{children}</div>
      </div>
      {actions !== undefined && <div className="finding-actions">{actions}</div>}
    </>
  )
}

/** A moment that is due is not `just now`, which is past. */
function NextAttempt({ at }: { at: string }) {
  const due = Date.parse(at) - useNow() < 2000
  return due ? <> It is tried again now.</> : <> Next attempt <Time at={at} />.</>
}
