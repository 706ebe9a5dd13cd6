import type { LogEntry } from '../../../mcp/connection'
import { useNow } from '../../../parts/clock'
import { counted, span } from '../../../parts/format'
import { isRunning, type Run } from '../run-store'

/** How far a request has come, and what the server logged meanwhile. */
export function ProgressNote({ run }: { run: Run }) {
  return (
    <>
      {isRunning(run) && <Running run={run} />}
      {run.logs.length > 0 && <Logs logs={run.logs} open={isRunning(run)} />}
    </>
  )
}

function Running({ run: { progress, startedAt, item } }: { run: Run }) {
  const seconds = Math.max(0, Math.round((useNow() - startedAt) / 1000))
  const share = progress?.total ? progress.progress / progress.total : null
  return (
    <div className="progress">
      {share === null ? (
        <progress aria-label={`Progress of ${item}`} />
      ) : (
        <progress aria-label={`Progress of ${item}`} value={Math.min(1, share)} max={1} />
      )}
      <p className="progress-words">
        <span>{progress?.message ?? (progress ? 'Under way' : 'Waiting for the answer')}</span>
        <span className="quiet mono">
          {progress && `${progress.progress}${progress.total === null ? '' : ` of ${progress.total}`} · `}
          {span(seconds)}
        </span>
      </p>
    </div>
  )
}

function Logs({ logs, open }: { logs: LogEntry[]; open: boolean }) {
  return (
    <details className="logs" open={open || undefined}>
      <summary>{counted(logs.length, 'log message')}</summary>
      <ol>
        {logs.map((entry, index) => (
          <li key={index} className={`log log-${toneOf(entry.level)}`}>
            <span className="mono quiet">{new Date(entry.at).toLocaleTimeString('en-GB')}</span>
            <span className="log-level mono">{entry.level}</span>
            <span className="breakable mono">
              {entry.logger !== null && <span className="quiet">{entry.logger} </span>}
              {typeof entry.data === 'string' ? entry.data : JSON.stringify(entry.data)}
            </span>
          </li>
        ))}
      </ol>
    </details>
  )
}

function toneOf(level: string): 'plain' | 'warn' | 'bad' {
  if (level === 'warning') return 'warn'
  return ['error', 'critical', 'alert', 'emergency'].includes(level) ? 'bad' : 'plain'
}
