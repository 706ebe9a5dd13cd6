import type { ReactNode } from 'react'
import './badge.css'

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'quiet'

/** A different shape for each tone, so that colour is not needed to tell them apart. */
const shapes: Record<Tone, string> = {
  ok: 'M4 .5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z',
  warn: 'M4 .5L8 7.5H0z',
  bad: 'M.7.7h6.6v6.6H.7z',
  info: 'M4 0l4 4-4 4-4-4z',
  quiet: 'M0 3h8v2H0z',
}

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`badge badge-${tone}`}>
      <ToneMark tone={tone} />
      {children}
    </span>
  )
}

/** The shape alone, for places where the words stand elsewhere. */
export function ToneMark({ tone }: { tone: Tone }) {
  return (
    <svg className={`tone-mark tone-${tone}`} viewBox="0 0 8 8" aria-hidden="true">
      <path d={shapes[tone]} />
    </svg>
  )
}
