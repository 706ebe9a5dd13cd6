import type { ComponentProps, MouseEvent } from 'react'
import { hrefOf, navigate } from '../router'
import './link.css'

interface LinkProps {
  /** A page with or without a query: `configuration?line=7`. */
  to: string
  /** Not underlined: for a link that stands for itself, or as the name of a row, and not within other words. */
  plain?: boolean
}

/** A link to a page of ours. Opens in a new tab like any other link if asked to. */
export function Link({ to, plain = false, className, onClick, ...rest }: LinkProps & Omit<ComponentProps<'a'>, 'href'>) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a
      {...rest}
      className={`${plain ? 'link-plain' : ''} ${className ?? ''}`.trim() || undefined}
      href={hrefOf(to)}
      onClick={follow}
    />
  )
}
