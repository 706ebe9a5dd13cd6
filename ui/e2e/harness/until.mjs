import { setTimeout as pause } from 'node:timers/promises'

const PATIENCE_MS = 15_000

/**
 * Asks until the answer is neither false nor missing, and returns it. What it throws is an answer of that kind, too.
 *
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {string} what for the message, after `waited in vain for `
 * @returns {Promise<T>}
 */
export async function until(ask, what, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs
  for (let last; ; ) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = answer
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited in vain for ${what}; at last: ${last}`)
    await pause(30)
  }
}
