import { useId, type ReactNode } from 'react'
import './card.css'

interface CardProps {
  title?: ReactNode
  actions?: ReactNode
  children: ReactNode
  className?: string
}

/** A part of a page. With a title it is a region of that name. */
export function Card({ title, actions, children, className }: CardProps) {
  const id = useId()
  const named = title !== undefined
  return (
    <section className={`card ${className ?? ''}`} aria-labelledby={named ? id : undefined}>
      {(named || actions !== undefined) && (
        <header className="card-head">
          {named && (
            <h2 className="card-title" id={id}>
              {title}
            </h2>
          )}
          {actions !== undefined && <div className="card-actions">{actions}</div>}
        </header>
      )}
      <div className="card-body">{children}</div>
    </section>
  )
}
