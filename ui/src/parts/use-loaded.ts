import { useCallback, useEffect, useState } from 'react'

export interface Loaded<T> {
  /** What was loaded last; it stays while it is loaded again. */
  value: T | null
  error: unknown
  loading: boolean
  reload: () => void
}

/** Something of the API that is asked for when `key` changes. Null asks for nothing. Late answers to older keys are dropped. */
export function useLoaded<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [round, setRound] = useState(0)
  const [state, setState] = useState<{ key: string | null; value: T | null; error: unknown; loading: boolean }>(nothing)
  useEffect(() => {
    if (key === null) return undefined
    const abort = new AbortController()
    setState((last) => ({ key, value: last.key === key ? last.value : null, error: null, loading: true }))
    load(abort.signal).then(
      (value) => !abort.signal.aborted && setState({ key, value, error: null, loading: false }),
      (error: unknown) => !abort.signal.aborted && setState((last) => ({ ...last, error, loading: false })),
    )
    return () => abort.abort()
    // `load` is made anew by every rendering; what it asks for is in the key.
  }, [key, round])
  const reload = useCallback(() => setRound((last) => last + 1), [])
  const { value, error, loading } = state.key === key ? state : nothing
  return { value, error, loading: loading || (key !== null && state.key !== key), reload }
}

const nothing = { key: null, value: null, error: null, loading: false }
