import { useCallback, useEffectEvent, useRef, useState, type CSSProperties, type KeyboardEvent } from 'react'
import type { CallSummary } from '../../api/types'
import { CallRow } from './call-row'
import { destination } from './keys'

interface CallListProps {
  /** Newest first. */
  calls: CallSummary[]
  opened: number | null
  onOpen: (id: number) => void
  /** Enter, in contrast to a click, goes on into the details. */
  onEnter: (id: number) => void
  onClose: () => void
}

/** Every row has its price, and few are read: more of them come as one gets near the last. */
const STEP = 100

/** The calls as a grid: arrow keys move, Enter opens, Escape closes. */
export function CallList({ calls, opened, onOpen, onEnter, onClose }: CallListProps) {
  const grid = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<number | null>(null)
  const [most, setMost] = useState(STEP)
  const end = useArrival(() => setMost(most + STEP))
  const shown = calls.slice(0, most)
  const current = shown.find(({ id }) => id === at) ?? shown.find(({ id }) => id === opened) ?? shown[0]
  const slowest = Math.max(1, ...shown.map(({ durationMs }) => durationMs))
  const focus = useCallback((id: number) => setAt(id), [])

  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && opened !== null) return onClose()
    if ((event.key === 'Enter' || event.key === ' ') && current) {
      event.preventDefault()
      return onEnter(current.id)
    }
    const to = destination(event.key, shown.findIndex((call) => call === current), shown.length)
    const next = to === null ? undefined : shown[to]
    if (!next) return undefined
    event.preventDefault()
    grid.current?.querySelector<HTMLElement>(`[data-call="${next.id}"]`)?.focus()
    if (opened !== null) onOpen(next.id)
    return undefined
  }

  return (
    <div className="calls-box">
      <div
        ref={grid}
        className="calls"
        role="grid"
        aria-label="Recent calls"
        aria-rowcount={calls.length + 1}
        style={{ '--slowest': slowest } as CSSProperties}
        onKeyDown={pressed}
      >
        <div role="row" className="calls-head">
          <span role="columnheader">Time</span>
          <span role="columnheader">Item and method</span>
          <span role="columnheader">Target</span>
          <span role="columnheader">Client</span>
          <span role="columnheader">Outcome</span>
          <span role="columnheader">Duration</span>
          <span role="columnheader">Sizes</span>
        </div>
        {shown.map((call) => (
          <CallRow
            key={call.id}
            call={call}
            opened={call.id === opened}
            tabbable={call === current}
            onOpen={onOpen}
            onFocus={focus}
          />
        ))}
      </div>
      {calls.length > most && <div className="calls-end" ref={end} />}
    </div>
  )
}

/** Calls back when the element comes near to what can be seen. */
function useArrival(onArrive: () => void) {
  const arrived = useEffectEvent(onArrive)
  return useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined
    const observer = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && arrived(), { rootMargin: '1200px' })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
}
