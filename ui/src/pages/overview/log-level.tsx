import { useId, useState } from 'react'
import { setLogLevel, textOf } from '../../api/client'
import type { LogLevel, Status } from '../../api/types'
import { Select } from '../../parts/inputs'
import { useToasts } from '../../parts/toasts'
import './log-level.css'

const levels: LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']

const sources: Record<Status['logLevelFrom'], string> = {
  config: 'as configured',
  environment: 'from RUST_LOG',
  api: 'until the next start',
}

/** How much the gateway logs. A change here lasts until it starts again; the file stays as it is. */
export function LogLevelSelect({ status }: { status: Status }) {
  const id = useId()
  const [busy, setBusy] = useState(false)
  const toasts = useToasts()
  const change = async (level: LogLevel) => {
    setBusy(true)
    try {
      await setLogLevel(level)
      toasts.show({ tone: 'ok', text: `The log level is ${level} until the gateway starts again.` })
    } catch (error) {
      toasts.show({ tone: 'bad', text: `The log level was not changed. ${textOf(error)}` })
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="log-level">
      <label htmlFor={id}>Log level</label>
      <Select
        id={id}
        aria-describedby={`${id}-from`}
        value={status.logLevel}
        disabled={busy}
        onChange={(event) => void change(event.target.value as LogLevel)}
      >
        {levels.map((level) => (
          <option key={level}>{level}</option>
        ))}
      </Select>
      <span className="quiet" id={`${id}-from`}>
        {sources[status.logLevelFrom]}
      </span>
    </div>
  )
}
