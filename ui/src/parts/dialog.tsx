import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { IconButton } from './button'
import './dialog.css'

interface DialogProps {
  title: string
  open: boolean
  onClose: () => void
  /** Buttons at the end. */
  actions?: ReactNode
  wide?: boolean
  children: ReactNode
}

/** The browser's own modal dialog: it keeps the focus inside, and gives it back where it was. Escape closes it. */
export function Dialog({ title, open, onClose, actions, wide = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before the page is painted and before anything is removed: only then does closing give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    if (!open || element === null) return undefined
    if (!element.open) {
      element.showModal()
      // Whoever opens a form wants to type; the browser would begin with the button that closes it.
      element.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea):not(:disabled)')?.focus()
    }
    return () => element.close()
  }, [open])
  return (
    <dialog
      ref={dialog}
      className={`dialog ${wide ? 'dialog-wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        if (event.target !== dialog.current) return
        event.preventDefault()
        onClose()
      }}
    >
      {open && (
        <>
          <header className="dialog-head">
            <h2 id={id}>{title}</h2>
            <IconButton label="Close" icon="close" size="small" onClick={onClose} />
          </header>
          <div className="dialog-body">{children}</div>
          {actions !== undefined && <footer className="dialog-actions">{actions}</footer>}
        </>
      )}
    </dialog>
  )
}
