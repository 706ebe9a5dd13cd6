import { useSyncExternalStore } from 'react'

/** A value that changes, and those who look at it. */
export class Store<State> {
  private state: State
  private readonly watchers = new Set<() => void>()

  constructor(state: State) {
    this.state = state
  }

  get = (): State => this.state

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  protected set(changes: Partial<State>) {
    this.state = { ...this.state, ...changes }
    for (const watcher of this.watchers) watcher()
  }
}

export function useStore<State>(store: Store<State>): State {
  return useSyncExternalStore(store.watch, store.get)
}
