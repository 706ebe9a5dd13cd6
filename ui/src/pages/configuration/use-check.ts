import { useEffect, useState } from 'react'
import { checkConfig, textOf } from '../../api/client'
import type { CheckReport } from '../../api/types'

/** Long enough that nobody is told of a fault in the middle of a word. */
const PAUSE_MS = 350

export interface Check {
  /** The newest answer; of an older text while `busy`. */
  report: CheckReport | null
  busy: boolean
  /** Why there is no answer. */
  failure: string | null
  /** At once, and for whoever needs to wait for it. */
  now: () => Promise<CheckReport | null>
}

interface Answer {
  /** What was asked about. */
  text: string | null
  revision: string
  report: CheckReport | null
  failure: string | null
}

/** Has the server check a text whenever it changes, or the file (of this revision) that it is compared with. */
export function useCheck(text: string | null, revision: string): Check {
  const [answer, setAnswer] = useState<Answer>({ text: null, revision: '', report: null, failure: null })
  const fresh = answer.text === text && answer.revision === revision

  const ask = async (signal?: AbortSignal): Promise<CheckReport | null> => {
    if (text === null) return null
    try {
      const report = await checkConfig(text, signal)
      if (!signal?.aborted) setAnswer({ text, revision, report, failure: null })
      return report
    } catch (error) {
      if (!signal?.aborted) setAnswer((last) => ({ text, revision, report: last.report, failure: textOf(error) }))
      return null
    }
  }

  useEffect(() => {
    if (text === null || fresh) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => void ask(stop.signal), PAUSE_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [text, revision, fresh])

  return { report: answer.report, busy: !fresh, failure: fresh ? answer.failure : null, now: () => ask() }
}
