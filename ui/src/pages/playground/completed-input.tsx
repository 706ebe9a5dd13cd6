import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import type { Completion } from '../../mcp/types'
import type { ControlProps } from '../../parts/field'
import { TextInput } from '../../parts/inputs'
import './completed-input.css'

interface CompletedInputProps {
  control: ControlProps
  value: string
  onChange: (value: string) => void
  /** Asks the server; null if it completes nothing. */
  complete: ((value: string, signal: AbortSignal) => Promise<Completion>) | null
}

const WAIT_MS = 150
const NONE: Completion = { values: [], total: null, hasMore: false }

/** A text for which the server proposes values while one types. */
export function CompletedInput({ control, value, onChange, complete }: CompletedInputProps) {
  const [focused, setFocused] = useState(false)
  const [closed, setClosed] = useState(false)
  const [found, setFound] = useState(NONE)
  const [at, setAt] = useState(-1)
  const asking = useRef(complete)
  asking.current = complete
  const id = useId()
  useEffect(() => {
    if (!focused) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => {
      asking.current?.(value, stop.signal).then(
        (completion) => !stop.signal.aborted && (setFound(completion), setAt(-1)),
        // A server that has nothing to propose may say so with an error.
        () => !stop.signal.aborted && setFound(NONE),
      )
    }, WAIT_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [value, focused])
  const values = found.values.filter((each) => each !== value)
  const open = focused && !closed && values.length > 0
  const take = (taken: string) => {
    onChange(taken)
    setClosed(true)
  }
  const byKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && values.length > 0) {
      event.preventDefault()
      setClosed(false)
      setAt((at + step + values.length) % values.length)
    } else if (event.key === 'Enter' && open && values[at] !== undefined) {
      event.preventDefault()
      take(values[at])
    } else if (event.key === 'Escape' && open) {
      event.preventDefault()
      setClosed(true)
    }
  }
  return (
    <div className="completed">
      <TextInput
        {...control}
        value={value}
        role="combobox"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open && at >= 0 ? `${id}-${at}` : undefined}
        onFocus={() => (setFocused(true), setClosed(false))}
        onBlur={() => setFocused(false)}
        onKeyDown={byKey}
        onChange={(event) => (setClosed(false), onChange(event.target.value))}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Proposals of the server" className="completed-list" hidden={!open}>
        {open &&
          values.map((each, index) => (
            <li
              key={each}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className="mono"
              // Before the field loses the focus.
              onPointerDown={(event) => (event.preventDefault(), take(each))}
            >
              {each}
            </li>
          ))}
        {open && found.hasMore && (
          <li className="completed-more" role="presentation">
            There are more: type to narrow them down.
          </li>
        )}
      </ul>
    </div>
  )
}
