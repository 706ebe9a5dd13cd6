import { Refused } from '../../mcp/failure'
import type { JsonObject } from '../../mcp/json'
import type { Question } from '../../mcp/question'

/** A question of a server that waits for the person. */
export interface Asked {
  /** Counts up from 1. */
  id: number
  question: Question
  /** The server says that what the person did at its page is done. */
  done: boolean
  resolve(result: JsonObject): void
  refuse(): void
}

let lastId = 0

/** `show` gets the question, and null when nobody waits for the answer any more. */
export function ask(question: Question, show: (asked: Asked | null) => void): Promise<JsonObject> {
  lastId += 1
  const id = lastId
  const answered = new Promise<JsonObject>((resolve, reject) => {
    question.signal.addEventListener('abort', () => reject(question.signal.reason), { once: true })
    show({ id, question, done: false, resolve, refuse: () => reject(new Refused()) })
  })
  return answered.finally(() => show(null))
}
