import { useEffect, useState } from 'react'
import './loading.css'

/** Words that come only when the wait is long enough to notice: what is quick should not flicker. */
export function Loading({ children = 'Loading …' }: { children?: string }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250)
    return () => clearTimeout(timer)
  }, [])
  return (
    <p className="loading" role="status">
      {late && children}
    </p>
  )
}
