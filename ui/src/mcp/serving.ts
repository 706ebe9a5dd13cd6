import { Cancelled, codes, failureOf, Refused, RpcFailure } from './failure'
import { objectOf } from './json'
import type { ErrorBody, Request, Response } from './message'
import type { Questions } from './question'

interface Parts {
  questions: Questions
  reply: (response: Response) => Promise<void>
  /** Aborted when the connection ends. */
  closing: AbortSignal
}

/** Answers what a legacy server asks of its client. */
export class Serving {
  private readonly parts: Parts
  /** Requests that are being answered. */
  private readonly open = new Map<unknown, AbortController>()

  constructor(parts: Parts) {
    this.parts = parts
  }

  async serve({ id, method, params }: Request) {
    const { questions, reply, closing } = this.parts
    const asking = new AbortController()
    this.open.set(id, asking)
    try {
      const signal = AbortSignal.any([asking.signal, closing])
      const result = method === 'ping' ? {} : await questions.ask(method, objectOf(params), signal)
      await reply({ jsonrpc: '2.0', id, result })
    } catch (failure) {
      // Who took the request back wants no answer.
      if (!(failure instanceof Cancelled)) await reply({ jsonrpc: '2.0', id, error: errorOf(failure) })
    } finally {
      this.open.delete(id)
    }
  }

  /** The server does not want the answer any more. */
  takeBack(id: unknown) {
    this.open.get(id)?.abort()
  }
}

function errorOf(failure: unknown): ErrorBody {
  const { message } = failureOf(failure)
  if (failure instanceof Refused) return { code: codes.refused, message }
  return { code: failure instanceof RpcFailure ? failure.code : codes.internal, message }
}
