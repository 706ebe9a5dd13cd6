import { useEffect, useId, useRef } from 'react'
import { reached } from '../../api/names'
import type { Backend, Target } from '../../api/types'
import { Badge } from '../../parts/badge'
import { compact, counted, duration } from '../../parts/format'
import { Icon } from '../../parts/icon'
import { conditionOf } from '../../parts/tone'
import type { Wish } from './backends'
import { TargetDetails } from './target-details'
import './target.css'

interface TargetRowProps {
  backend: Backend
  target: Target
  open: boolean
  onToggle: (open: boolean) => void
  onWish: (wish: Wish) => void
}

/** One target in one line, which opens to all that is known of it. */
export function TargetRow({ backend, target, open, onToggle, onWish }: TargetRowProps) {
  const id = useId()
  const start = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (open) start.current?.scrollIntoView({ block: 'nearest' })
    // Where one arrives; what is opened later is under the pointer already.
  }, [])
  const { tone, word } = conditionOf(target)
  const { peer, calls } = target
  return (
    <li className="target" ref={start} data-open={open}>
      <h3>
        <button type="button" className="target-head" aria-expanded={open} aria-controls={id} onClick={() => onToggle(!open)}>
          <Icon name="right" className="target-arrow" />
          <span className="target-name">
            <span className="mono">{target.name}</span>
            <span className="target-way mono">{reached(target)}</span>
          </span>
          <span className="target-state">
            <Badge tone={tone}>{word}</Badge>
          </span>
          <span className="target-cell">
            <span>
              {peer === null ? (
                '–'
              ) : (
                <>
                  {peer.era} <span className="mono">{peer.protocolVersion}</span>
                </>
              )}
            </span>
            <span className="target-aside">{serverName(target) ?? '\u00a0'}</span>
          </span>
          <span className="target-cell">
            {counted(target.counts.tools, 'tool')}
            <span className="target-aside">{otherItems(target)}</span>
          </span>
          <span className="target-cell">
            {compact(calls.total)} {calls.total === 1 ? 'call' : 'calls'}
            <span className="target-aside">
              {calls.p50Ms === null ? '\u00a0' : `median ${duration(calls.p50Ms)}`}
              {calls.errors > 0 && `, ${counted(calls.errors, 'error')}`}
            </span>
          </span>
        </button>
      </h3>
      <div id={id} hidden={!open}>
        {open && <TargetDetails backend={backend} target={target} onWish={onWish} />}
      </div>
    </li>
  )
}

function serverName({ peer }: Target): string | null {
  const name = peer?.serverInfo?.title ?? peer?.serverInfo?.name
  return name === undefined ? null : [name, peer?.serverInfo?.version].filter((part) => part !== undefined).join(' ')
}

function otherItems({ counts }: Target): string {
  const words = [
    counts.prompts > 0 && counted(counts.prompts, 'prompt'),
    counts.resources > 0 && counted(counts.resources, 'resource'),
    counts.resourceTemplates > 0 && counted(counts.resourceTemplates, 'template'),
  ]
  return words.filter((word) => word !== false).join(', ') || '\u00a0'
}
