import type { ReactNode } from 'react'
import './bench.css'

/** What there is to choose from beside what is being worked on; on a phone one above the other. */
export function Bench({ list, children }: { list: ReactNode; children: ReactNode }) {
  return (
    <div className="bench">
      <div className="bench-list">{list}</div>
      <div className="bench-work">{children}</div>
    </div>
  )
}
