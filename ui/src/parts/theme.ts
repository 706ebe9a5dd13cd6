import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const key = 'agentgateway.theme'
const watchers = new Set<() => void>()
const root = document.documentElement
/** public/theme.js has put on the page what was remembered. `data-theme` decides in tokens.css; without it the system does. */
let theme: Theme = root.dataset.theme === 'light' || root.dataset.theme === 'dark' ? root.dataset.theme : 'system'

export function setTheme(next: Theme) {
  theme = next
  if (next === 'system') delete root.dataset.theme
  else root.dataset.theme = next
  try {
    if (next === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, next)
  } catch {
    // A browser may forbid storage altogether; then it lasts as long as the page does.
  }
  for (const watcher of watchers) watcher()
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => theme,
  )
}
