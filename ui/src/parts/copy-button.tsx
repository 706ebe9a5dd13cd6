import { useEffect, useState } from 'react'
import { Button, IconButton } from './button'

/** With a label it is a button with words, else an icon. Says for a moment that it worked, or that it did not. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return undefined
    const timer = setTimeout(() => setOutcome(null), 2000)
    return () => clearTimeout(timer)
  }, [outcome])
  const copy = () =>
    write(text).then(
      () => setOutcome('copied'),
      () => setOutcome('failed'),
    )
  const icon = outcome === 'copied' ? 'check' : outcome === 'failed' ? 'error' : 'copy'
  const word = outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'The browser did not allow copying' : null
  return (
    <>
      {label === undefined ? (
        <IconButton label={word ?? 'Copy'} icon={icon} size="small" onClick={copy} />
      ) : (
        <Button icon={icon} size="small" onClick={copy}>
          {word ?? label}
        </Button>
      )}
      <span className="visually-hidden" role="status">
        {word}
      </span>
    </>
  )
}

/** `navigator.clipboard` exists only on pages of https and localhost; the admin page may be elsewhere. */
async function write(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  // Inside an open dialog nothing outside it can take the focus.
  const parent = document.querySelector('dialog[open]') ?? document.body
  const focused = document.activeElement
  parent.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!copied) throw new Error('copying is not allowed')
  return undefined
}
