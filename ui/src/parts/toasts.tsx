import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react'
import type { Tone } from './badge'
import { ToneMark } from './badge'
import { IconButton } from './button'
import './toasts.css'

export interface Toast {
  tone: Tone
  text: ReactNode
}

const Show = createContext<((toast: Toast) => void) | null>(null)

/** What went wrong stays until it is closed; the rest leaves by itself. */
const LASTS_MS = 6000
const MOST = 4

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<(Toast & { id: number })[]>([])
  const close = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), [])
  const show = useCallback(
    (toast: Toast) => {
      const id = nextId++
      setToasts((shown) => [...shown, { ...toast, id }].slice(-MOST))
      if (toast.tone !== 'bad') setTimeout(() => close(id), LASTS_MS)
    },
    [close],
  )
  return (
    <Show value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className="toast">
            <ToneMark tone={toast.tone} />
            <div className="toast-text">{toast.text}</div>
            <IconButton label="Dismiss" icon="close" size="small" onClick={() => close(toast.id)} />
          </div>
        ))}
      </div>
    </Show>
  )
}

let nextId = 1

/** `useToasts().show({tone, text})` says how something came out, whatever page is shown by then. */
export function useToasts(): { show: (toast: Toast) => void } {
  const show = useContext(Show)
  if (show === null) throw new Error('there is no ToastProvider around this component')
  return useMemo(() => ({ show }), [show])
}
