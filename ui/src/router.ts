import { useEffect, useSyncExternalStore } from 'react'

/** Pages are paths below `/ui/`; what a page shows of itself is in the query, so that a reload keeps one's place. */
export const pages = ['', 'listeners', 'backends', 'playground', 'sessions', 'activity', 'configuration'] as const

export type PageId = (typeof pages)[number]

export interface Place {
  /** Null for a path that is no page. */
  page: PageId | null
  query: URLSearchParams
}

const base = import.meta.env.BASE_URL

export function placeOf(pathname: string, search: string, root: string = base): Place {
  const path = pathname.startsWith(root) ? pathname.slice(root.length).replace(/\/$/, '') : null
  return { page: pages.find((page) => page === path) ?? null, query: new URLSearchParams(search) }
}

/** `to` is a page with or without a query: `configuration?line=7`. */
export function hrefOf(to: string): string {
  return base + to
}

let place = typeof location === 'undefined' ? placeOf(base, '') : placeOf(location.pathname, location.search)
let here = typeof location === 'undefined' ? base : location.pathname + location.search
const watchers = new Set<() => void>()

/** What keeps unsaved work from being left behind: a question to the person, or null. */
let guard: string | null = null

function mayLeave(to: Place): boolean {
  return guard === null || to.page === place.page || window.confirm(guard)
}

/** Whether the page that is shown was come to from another one, and has not been told so yet. */
let arrived = false

/** True once for each page that one came to within the UI: its heading then takes the focus. */
export function takeArrival(): boolean {
  const was = arrived
  arrived = false
  return was
}

function arrive(at: Place) {
  if (at.page !== place.page) arrived = true
  place = at
  here = location.pathname + location.search
  for (const watcher of watchers) watcher()
}

/** Goes to a page: `navigate('playground?replay=1')`. `replace` leaves no step in the history. */
export function navigate(to: string, options: { replace?: boolean } = {}) {
  const url = new URL(hrefOf(to), location.origin)
  const next = placeOf(url.pathname, url.search)
  if (!mayLeave(next)) return
  if (options.replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  if (next.page !== place.page) window.scrollTo(0, 0)
  arrive(next)
}

/** Changes some members of the query of the page that is shown; null takes one away. Leaves no step in the history. */
export function setQuery(changes: Record<string, string | null>) {
  const query = changedQuery(place.query, changes).toString()
  navigate((place.page ?? '') + (query && `?${query}`), { replace: true })
}

export function changedQuery(query: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  return next
}

export function usePlace(): Place {
  return useSyncExternalStore(watch, () => place)
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

if (typeof window !== 'undefined') {
  window.addEventListener('popstate', () => {
    const next = placeOf(location.pathname, location.search)
    if (mayLeave(next)) arrive(next)
    else history.pushState(null, '', here)
  })
}

/** While `question` is not null, leaving the page or closing the tab asks first. */
export function useLeaveGuard(question: string | null) {
  useEffect(() => {
    if (question === null) return undefined
    const stay = (event: BeforeUnloadEvent) => event.preventDefault()
    guard = question
    window.addEventListener('beforeunload', stay)
    return () => {
      guard = null
      window.removeEventListener('beforeunload', stay)
    }
  }, [question])
}
