import { useEffect, useRef, type ReactNode, type Ref } from 'react'
import type { Exchange } from '../../../mcp/exchange'
import { Badge } from '../../../parts/badge'
import { Button } from '../../../parts/button'
import { Card } from '../../../parts/card'
import { duration } from '../../../parts/format'
import { Tabs } from '../../../parts/tabs'
import { setQuery, usePlace } from '../../../router'
import { isRunning, type Run } from '../run-store'
import { FailureNote } from './failure-note'
import { Output } from './output'
import { ProgressNote } from './progress-note'
import { RawExchanges } from './raw-exchange'
import './result.css'

const OUTPUT: Record<Run['method'], string> = { 'tools/call': 'Tool output', 'prompts/get': 'Messages', 'resources/read': 'Contents' }

/** What became of the last request, while it is running too. */
export function RunResult({ run, onCancel }: { run: Run; onCancel: () => void }) {
  const running = isRunning(run)
  const panel = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // The form may fill the window: what came of it should not have to be looked for.
    if (!running) panel.current?.scrollIntoView({ block: 'nearest' })
  }, [run.id, running])
  return (
    <ResultPanel
      panel={panel}
      about={<span className="mono breakable">{run.item}</span>}
      exchanges={run.exchanges}
      durationMs={run.durationMs}
      verdict={<Verdict run={run} />}
      output={OUTPUT[run.method]}
      actions={
        running && (
          <Button size="small" icon="stop" onClick={onCancel}>
            Cancel
          </Button>
        )
      }
    >
      <ProgressNote run={run} />
      {run.failure !== null && <FailureNote failure={run.failure} />}
      {run.result !== null && <Output key={run.id} method={run.method} result={run.result} />}
    </ResultPanel>
  )
}

interface ResultPanelProps {
  panel?: Ref<HTMLDivElement>
  about: ReactNode
  exchanges: Exchange[]
  /** Null while it is running. */
  durationMs: number | null
  verdict?: ReactNode
  /** The name of the tab that shows the result. */
  output: string
  actions?: ReactNode
  children: ReactNode
}

export function ResultPanel({ panel, about, exchanges, durationMs, verdict, output, actions, children }: ResultPanelProps) {
  const tab = usePlace().query.get('result') === 'raw' ? 'raw' : 'output'
  const last = exchanges.findLast(({ status }) => status !== null)
  return (
    <div ref={panel}>
      <Card title="Result" actions={actions} className="result">
        <div className="result-head" role="status" aria-busy={durationMs === null}>
          {last && <Badge tone={last.status !== null && last.status < 400 ? 'ok' : 'bad'}>HTTP {last.status}</Badge>}
          {verdict}
          {about}
          <dl className="result-facts">
            {durationMs !== null && <Fact name="Duration">{duration(durationMs)}</Fact>}
            {last?.protocolVersion && <Fact name="Version">{last.protocolVersion}</Fact>}
            {last?.session && (
              <Fact name="Session">
                <span title={last.session}>{last.session.slice(0, 8)}…</span>
              </Fact>
            )}
            {exchanges.length > 1 && <Fact name="Exchanges">{exchanges.length}</Fact>}
          </dl>
        </div>
        <Tabs
          label="Result"
          tabs={[
            { id: 'output', label: output },
            { id: 'raw', label: 'Raw JSON' },
          ]}
          selected={tab}
          onSelect={(id) => setQuery({ result: id === 'raw' ? 'raw' : null })}
        >
          {tab === 'raw' ? <RawExchanges exchanges={exchanges} /> : <div className="result-output">{children}</div>}
        </Tabs>
      </Card>
    </div>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="mono">{children}</dd>
    </div>
  )
}

function Verdict({ run: { failure, result, durationMs } }: { run: Run }) {
  if (durationMs === null) return <Badge tone="info">Running</Badge>
  if (result?.isError === true) return <Badge tone="bad">Tool error</Badge>
  if (failure === null) return null
  if (failure.kind === 'cancelled') return <Badge tone="warn">Cancelled</Badge>
  return (
    <Badge tone="bad">{failure.kind === 'rpc' ? `Error ${failure.code}` : failure.kind === 'refused' ? 'Refused here' : 'No result'}</Badge>
  )
}
