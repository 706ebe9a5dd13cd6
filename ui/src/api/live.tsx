import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react'
import { LiveStore, type Connection, type Live } from './live-store'
import type { CallSummary, Session, Status } from './types'

export type { Connection } from './live-store'

const Store = createContext<LiveStore | null>(null)

/** One event stream for everything below it. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [store] = useState(() => new LiveStore())
  useEffect(() => {
    store.start()
    return () => store.stop()
  }, [store])
  return <Store value={store}>{children}</Store>
}

/** Null until the gateway has answered for the first time. */
export const useStatus = (): Status | null => useLive('status')

export const useSessions = (): Session[] | null => useLive('sessions')

/** Recent calls, newest first, as many as the gateway keeps. */
export const useCalls = (): CallSummary[] => useLive('calls')

export const useConnection = (): Connection => useLive('connection')

/** Since when what is shown is old; null while it is not. */
export const useLostAt = (): string | null => useLive('lostAt')

function useLive<K extends keyof Live>(member: K): Live[K] {
  const store = useContext(Store)
  if (store === null) throw new Error('there is no LiveProvider around this component')
  return useSyncExternalStore(store.watch, () => store.get()[member])
}
