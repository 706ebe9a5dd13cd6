import { Cancelled, codes, RpcFailure } from './failure'
import type { JsonObject } from './json'

/** What a server may ask of its client. */
export const QUESTIONS = ['sampling/createMessage', 'elicitation/create', 'roots/list'] as const

export type QuestionMethod = (typeof QUESTIONS)[number]

/** One request of a server, in whichever era it came. */
export interface Question {
  method: QuestionMethod
  params: JsonObject
  /** Aborted when the server takes the question back, or the call that it was about has ended. */
  signal: AbortSignal
}

/** Gives the result, or throws `Refused`. Called again only when it is done. */
export type Answer = (question: Question) => Promise<JsonObject>

/** Puts questions to a person one after the other, whichever calls they came up in. */
export class Questions {
  private readonly answer: Answer
  private last: Promise<unknown> = Promise.resolve()

  constructor(answer: Answer) {
    this.answer = answer
  }

  async ask(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const known = QUESTIONS.find((question) => question === method)
    if (!known) throw new RpcFailure({ code: codes.methodNotFound, message: `This client does not know ${method}.` }, 0)
    const put = () => this.put({ method: known, params, signal })
    // The list of roots is at hand, so nobody waits for a person to see it.
    if (known === 'roots/list') return put()
    const turn = this.last.then(put)
    this.last = turn.catch(() => undefined)
    return turn
  }

  private put(question: Question): Promise<JsonObject> {
    const { signal } = question
    if (signal.aborted) return Promise.reject(new Cancelled())
    return new Promise((resolve, reject) => {
      const takenBack = () => reject(new Cancelled())
      signal.addEventListener('abort', takenBack, { once: true })
      this.answer(question)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', takenBack))
    })
  }
}
