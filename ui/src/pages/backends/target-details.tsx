import type { ReactNode } from 'react'
import type { Backend, Target } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Code } from '../../parts/code'
import { counted, duration, number, sentence, share } from '../../parts/format'
import { Prose } from '../../parts/prose'
import { Time } from '../../parts/time'
import { conditionOf } from '../../parts/tone'
import type { Wish } from './backends'
import { BreakerWords } from './breaker'
import { Items } from './items'
import { RestartButton } from './restart'
import './target-details.css'

interface TargetDetailsProps {
  backend: Backend
  target: Target
  onWish: (wish: Wish) => void
}

export function TargetDetails({ backend, target, onWish }: TargetDetailsProps) {
  return (
    <div className="target-details">
      {target.state === 'failing' && <Failing target={target} />}
      {target.state === 'ready' && target.breaker.state !== 'closed' && (
        <Banner tone="bad" title="Its calls are refused">
          <BreakerWords breaker={target.breaker} />
        </Banner>
      )}
      {target.listFaults.map(({ list, reason }) => (
        <Banner key={list} tone="warn" title={`Its ${list} could not be read`}>
          <Prose text={sentence(reason)} /> What was known of them before is still served.
        </Banner>
      ))}
      <div className="target-actions">
        <RestartButton backend={backend} target={target} />
        <Button
          size="small"
          icon="edit"
          aria-label={`Edit ${target.name}`}
          onClick={() => onWish({ kind: 'edit', backend: backend.key, target: target.name })}
        >
          Edit
        </Button>
        <Button
          size="small"
          icon="trash"
          variant="danger"
          aria-label={`Remove ${target.name}`}
          onClick={() => onWish({ kind: 'remove', backend: backend.key, target: target.name })}
        >
          Remove
        </Button>
      </div>
      <Facts target={target} />
      {target.stderr.length > 0 && (
        <details className="target-stderr" open={target.state === 'failing'}>
          <summary>Standard error, last {counted(target.stderr.length, 'line')}</summary>
          <Code text={target.stderr.join('\n')} label={`Standard error of ${target.name}`} wrap copy />
        </details>
      )}
      <Items backend={backend} target={target} />
    </div>
  )
}

function Failing({ target }: { target: Target }) {
  return (
    <Banner tone="bad" title={sentence(target.reason ?? 'It gave no reason')}>
      {counted(target.attempts, 'attempt')} failed in a row
      {target.nextAttemptAt !== null && (
        <>
          ; the next is due <Time at={target.nextAttemptAt} />
        </>
      )}
      . Correct what it says below, or edit the target; a restart tries again at once.
    </Banner>
  )
}

function Facts({ target }: { target: Target }) {
  const { peer, calls } = target
  const info = peer?.serverInfo
  const capabilities = Object.keys(peer?.capabilities ?? {})
  return (
    <dl className="target-facts">
      <Fact name={conditionOf(target).word}>
        since <Time at={target.since} />
      </Fact>
      <Fact name="Server">
        {info == null ? (
          'says nothing of itself'
        ) : (
          <>
            {info.title ?? info.name ?? 'unnamed'}{' '}
            {info.title !== undefined && info.name !== undefined && <span className="quiet mono">{info.name} </span>}
            {info.version !== undefined && <span className="mono">{info.version}</span>}
          </>
        )}
      </Fact>
      <Fact name="Protocol">
        {peer === null ? (
          'not known yet'
        ) : (
          <>
            <span className="mono">{peer.protocolVersion}</span>, {peer.era} era
          </>
        )}
      </Fact>
      <Fact name="Capabilities">{capabilities.length === 0 ? 'none' : capabilities.join(', ')}</Fact>
      {target.transport.kind === 'stdio' && (
        <Fact name="Processes">
          {target.processes.length === 0 ? 'none' : <span className="mono">{target.processes.join(', ')}</span>}
        </Fact>
      )}
      <Fact name="Restarts">{number(target.restarts)}</Fact>
      {target.breaker.openings > 0 && <Fact name="Breaker openings">{number(target.breaker.openings)}</Fact>}
      <Fact name="Calls">
        {number(calls.total)}
        {calls.running > 0 && `, ${number(calls.running)} running`}
      </Fact>
      <Fact name="Errors">
        {number(calls.errors)}
        {calls.errors > 0 && ` (${share(calls.errors, calls.total)})`}
      </Fact>
      <Fact name="Half / 90% / 99% are done in">
        {calls.p50Ms === null || calls.p90Ms === null || calls.p99Ms === null
          ? '–'
          : [calls.p50Ms, calls.p90Ms, calls.p99Ms].map(duration).join(' / ')}
      </Fact>
      {Object.keys(target.settings).length > 0 && (
        <Fact name="Settings of its own" wide>
          <span className="mono">{settingsOf(target.settings)}</span>
        </Fact>
      )}
      {peer?.instructions != null && (
        <Fact name="Instructions for models" wide>
          <span className="target-instructions">{peer.instructions}</span>
        </Fact>
      )}
    </dl>
  )
}

/** `sharing: shared, timeouts.call: 1m`: as the file names them. */
function settingsOf(settings: Record<string, unknown>, under = ''): string {
  const said = Object.entries(settings).map(([key, value]) =>
    typeof value === 'object' && value !== null
      ? settingsOf(value as Record<string, unknown>, `${under}${key}.`)
      : `${under}${key}: ${String(value)}`,
  )
  return said.join(', ')
}

function Fact({ name, wide = false, children }: { name: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={wide ? 'target-fact-wide' : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
