import type { ReactNode } from 'react'
import './empty.css'

interface EmptyProps {
  title: ReactNode
  children?: ReactNode
  action?: ReactNode
}

/** What stands where there is nothing to show: why, and what would change that. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children !== undefined && <div className="empty-text">{children}</div>}
      {action !== undefined && <div className="empty-action">{action}</div>}
    </div>
  )
}
