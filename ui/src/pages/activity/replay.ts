import type { CallDetail, Route } from '../../api/types'

/** What the playground takes from here, once, with `playground?replay=1`. */
export interface Replay {
  route?: string
  backend: string
  method: string
  item: string | null
  params: unknown
}

const key = 'playground.replay'
/** Methods that the playground has a form for. */
const methods = ['tools/call', 'prompts/get', 'resources/read']

export function isReplayable({ method, item }: CallDetail): boolean {
  return methods.includes(method) && item !== null
}

/** A call without its parameters is still worth opening: the form of the item is there then, and empty. */
export function leaveForPlayground(call: CallDetail, route: Route | undefined) {
  const { backend, method, item } = call
  const replay: Replay = { ...(route && { route: route.key }), backend, method, item, params: paramsOf(call) }
  sessionStorage.setItem(key, JSON.stringify(replay))
}

/** The parameters as they can be sent again; null if they were not kept, or not whole. */
export function paramsOf({ params, paramsCut }: CallDetail): unknown {
  if (params === null || paramsCut) return null
  try {
    return JSON.parse(params) as unknown
  } catch {
    return null
  }
}
