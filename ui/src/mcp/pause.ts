/** Waits, unless the signal is quicker. Says whether the time is up and it was not. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const stop = () => done(false)
    const timer = setTimeout(() => done(true), ms)
    const done = (up: boolean) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(up)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}

const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/** Pauses between attempts that grow while they fail, and differ from page to page so that not all come back at once. */
export class Backoff {
  failures = 0

  next(): number {
    const base = Math.min(FIRST_MS * 2 ** this.failures, LONGEST_MS)
    this.failures += 1
    return base * (0.75 + Math.random() / 2)
  }

  reset() {
    this.failures = 0
  }
}
