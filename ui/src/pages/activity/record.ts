import type { CallDetail } from '../../api/types'
import { prettyJson } from '../../mcp/json'

/** A call as one JSON document: what it said stands in it as JSON, and not as text that holds JSON. */
export function asText({ params, paramsCut, response, responseCut, ...facts }: CallDetail): string {
  const members = Object.entries(facts).map(([name, value]) => member(name, JSON.stringify(value)))
  const bodies = [member('params', bodyOf(params, paramsCut)), member('response', bodyOf(response, responseCut))]
  const text = `{${[...members, ...bodies].join(',')}}`
  return prettyJson(text) ?? text
}

const member = (name: string, json: string) => `${JSON.stringify(name)}:${json}`

/** The very text, since reading and writing it would round large numbers. What was cut is no JSON any more. */
function bodyOf(text: string | null, cut: boolean): string {
  if (text === null) return 'null'
  return cut || prettyJson(text) === null ? JSON.stringify(text) : text
}
