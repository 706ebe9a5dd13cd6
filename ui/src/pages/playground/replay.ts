import { isObject, objectOf, textOf } from '../../mcp/json'

/** A call of before that is to be made again; the page of calls leaves it here. */
export interface Replay {
  /** Route.key, if known. */
  route: string | null
  backend: string | null
  tab: 'tools' | 'prompts' | 'resources'
  item: string
  /** What was sent as arguments; undefined if it was not kept. */
  args: unknown
}

const KEY = 'playground.replay'
const TABS: Record<string, Replay['tab']> = { 'tools/call': 'tools', 'prompts/get': 'prompts', 'resources/read': 'resources' }

/** Takes it away, so that a reload does not bring it back over what was typed since. */
export function takeReplay(storage: Storage): Replay | null {
  const text = storage.getItem(KEY)
  storage.removeItem(KEY)
  return text === null ? null : replayOf(text)
}

export function replayOf(text: string): Replay | null {
  const { route, backend, method, item, params } = objectOf(parse(text))
  const tab = TABS[String(method)]
  const name = textOf(item)
  if (tab === undefined || name === null) return null
  // The page of calls has them as JSON text, which may have been cut.
  const known = typeof params === 'string' ? parse(params) : params
  return { route: textOf(route), backend: textOf(backend), tab, item: name, args: isObject(known) ? known.arguments : undefined }
}

/** Arguments of a prompt are texts. */
export function textsOf(args: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(objectOf(args)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
