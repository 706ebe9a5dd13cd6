import { useEffect, useRef } from 'react'
import { ApiFailure, getCall, textOf } from '../../api/client'
import { clientName } from '../../api/names'
import { useStatus } from '../../api/live'
import type { CallDetail, CallSummary } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Banner } from '../../parts/banner'
import { Button, IconButton } from '../../parts/button'
import { CopyButton } from '../../parts/copy-button'
import { absolute, bytes, duration, sentence } from '../../parts/format'
import { Loading } from '../../parts/loading'
import { Prose } from '../../parts/prose'
import { useLoaded } from '../../parts/use-loaded'
import { navigate } from '../../router'
import { Body } from './body'
import { CopyCurl } from './copy-curl'
import { outcomes } from './outcome'
import { isReplayable, leaveForPlayground } from './replay'
import { asText } from './record'

interface CallPanelProps {
  id: number
  /** What the list knows of it; nothing if it is forgotten there. */
  summary: CallSummary | undefined
  /** How many calls the gateway keeps. */
  keep: number
  /** Counts up whenever the panel is to take the focus. */
  focus: number
  onClose: () => void
}

/** Where it stands in place of the list. The style sheet has the same words. */
const alone = '(max-width: 1099px)'

/** Everything that is known of one call. */
export function CallPanel({ id, summary, keep, focus, onClose }: CallPanelProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { value: detail, error, reload } = useLoaded(`call ${id}`, (signal) => getCall(id, signal))
  const call: CallSummary | undefined = detail ?? summary
  useEffect(() => {
    if (focus > 0 || matchMedia(alone).matches) heading.current?.focus()
  }, [focus])
  return (
    <section
      className="call-panel"
      aria-label={`Call ${id}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <header className="call-panel-head">
        <h2 ref={heading} tabIndex={-1} className="mono breakable">
          {call ? (call.item ?? call.method) : `Call ${id}`}
        </h2>
        <IconButton icon="close" label="Close" size="small" onClick={onClose} />
      </header>
      {call && <Facts call={call} />}
      {error !== null && <Missing error={error} keep={keep} onRetry={reload} />}
      {detail ? <Details detail={detail} /> : error === null && <Loading />}
    </section>
  )
}

function Facts({ call }: { call: CallSummary }) {
  const backends = useStatus()?.backends.length ?? 0
  const { word, tone, meaning } = outcomes[call.outcome]
  const rows: [string, string | null][] = [
    ['Method', call.item === null ? null : call.method],
    ['Target', call.target],
    ['Backend', backends > 1 ? call.backend : null],
    ['Client', [clientName(call.client), call.client?.version].filter(Boolean).join(' ')],
    ['Era', call.era],
    ['Session', call.session],
    ['Began', absolute(call.at)],
    ['Took', duration(call.durationMs)],
    ['Request', bytes(call.requestBytes)],
    ['Response', bytes(call.responseBytes)],
  ]
  return (
    <>
      <div className="call-verdict">
        <Badge tone={tone}>
          {word}
          {call.code !== null && ` ${call.code}`}
        </Badge>
        <p>
          <Prose text={call.message === null ? meaning : sentence(call.message)} />
        </p>
      </div>
      <dl className="call-facts">
        {rows.map(
          ([name, value]) =>
            value !== null && (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="breakable">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </>
  )
}

function Details({ detail }: { detail: CallDetail }) {
  const route = useStatus()?.routes.find(({ backends }) => backends.some(({ key }) => key === detail.backend))
  return (
    <>
      <div className="call-actions">
        {isReplayable(detail) && (
          <Button
            size="small"
            variant="primary"
            icon="playground"
            onClick={() => {
              leaveForPlayground(detail, route)
              navigate('playground?replay=1')
            }}
          >
            Open in playground
          </Button>
        )}
        <CopyButton text={asText(detail)} label="Copy JSON" />
        <CopyCurl detail={detail} route={route} />
      </div>
      <Body title="Request" label="Parameters of the request" text={detail.params} cut={detail.paramsCut} />
      <Body title="Response" label="Result or error of the response" text={detail.response} cut={detail.responseCut} />
    </>
  )
}

function Missing({ error, keep, onRetry }: { error: unknown; keep: number; onRetry: () => void }) {
  if (error instanceof ApiFailure && error.status === 404) {
    return (
      <Banner tone="info" title="The gateway has forgotten this call">
        It keeps the last {keep}, in memory. <code>config.activity.calls</code> makes it keep more.
      </Banner>
    )
  }
  return (
    <Banner tone="bad" title="The call could not be loaded" actions={<Button onClick={onRetry}>Try again</Button>}>
      {textOf(error)}
    </Banner>
  )
}
