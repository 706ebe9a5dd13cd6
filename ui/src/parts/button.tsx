import type { ComponentProps } from 'react'
import './button.css'
import { Icon, type IconName } from './icon'

interface Looks {
  variant?: 'primary' | 'default' | 'quiet' | 'danger'
  size?: 'small' | 'medium'
  icon?: IconName
  /** Something is under way: the button waits, keeps the focus, and does nothing more until then. */
  busy?: boolean
}

export function Button({
  variant = 'default',
  size = 'medium',
  icon,
  busy = false,
  className,
  children,
  onClick,
  ...rest
}: Looks & ComponentProps<'button'>) {
  return (
    <button
      type="button"
      {...rest}
      className={`button button-${variant} button-${size} ${className ?? ''}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || rest['aria-disabled']}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <span className="button-wheel" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A button that shows nothing but an icon; `label` is its name and its tooltip. */
export function IconButton({
  label,
  className,
  ...rest
}: Omit<Looks, 'icon'> & { label: string; icon: IconName } & Omit<ComponentProps<'button'>, 'children'>) {
  return <Button variant="quiet" title={label} aria-label={label} {...rest} className={`button-icon ${className ?? ''}`} />
}
