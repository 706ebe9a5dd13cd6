import { memo, type CSSProperties } from 'react'
import { clientName } from '../../api/names'
import type { CallSummary } from '../../api/types'
import { ToneMark } from '../../parts/badge'
import { absolute, bytes, duration } from '../../parts/format'
import { outcomes } from './outcome'

interface CallRowProps {
  call: CallSummary
  /** Whether its details are shown. */
  opened: boolean
  /** Whether the Tab key leads here: it leads to one row only, and arrow keys go on from there. */
  tabbable: boolean
  onOpen: (id: number) => void
  onFocus: (id: number) => void
}

/** One call on one line, or on two where there is little room. Drawn again only when it changes itself. */
export const CallRow = memo(function CallRow({ call, opened, tabbable, onOpen, onFocus }: CallRowProps) {
  const { id, at, client, era, method, item, target, durationMs, requestBytes, responseBytes } = call
  const name = clientName(client)
  return (
    <div
      role="row"
      className="call"
      data-call={id}
      aria-selected={opened}
      tabIndex={tabbable ? 0 : -1}
      onClick={() => onOpen(id)}
      onFocus={() => onFocus(id)}
    >
      <span role="gridcell" className="call-time" title={absolute(at)}>
        {absolute(at).slice(11)}
      </span>
      <span role="gridcell" className="call-what">
        <span className="call-item mono">{item ?? method}</span>
        {item !== null && <span className="call-method">{method}</span>}
      </span>
      <span role="gridcell" className="call-target mono">
        {target ?? '–'}
      </span>
      <span role="gridcell" className="call-client" title={client?.version ? `${name} ${client.version}` : name}>
        <span className="call-client-name">{name}</span> <span className="call-era">{era}</span>
      </span>
      <span role="gridcell" className="call-outcome">
        <OutcomeWords call={call} />
      </span>
      <span role="gridcell" className="call-duration" style={{ '--ms': durationMs } as CSSProperties}>
        <span>{duration(durationMs)}</span>
        <span className="call-bar" aria-hidden="true" />
      </span>
      <span role="gridcell" className="call-sizes" title="Size of the request and of the response">
        <span className="visually-hidden">request </span>
        {bytes(requestBytes)} <span className="visually-hidden">response</span>
        <span aria-hidden="true">→</span> {bytes(responseBytes)}
      </span>
    </div>
  )
})

function OutcomeWords({ call: { outcome, code, message } }: { call: CallSummary }) {
  const { word, tone } = outcomes[outcome]
  return (
    <>
      <span className={`call-word tone-${tone}`}>
        <ToneMark tone={tone} />
        {word}
        {code !== null && <span className="mono"> {code}</span>}
      </span>
      {message !== null && (
        <span className="call-message" title={message}>
          {message}
        </span>
      )}
    </>
  )
}
