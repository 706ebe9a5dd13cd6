import type { Era } from '../../api/types'
import { encodeHeader, mirroredHeaders } from '../../mcp/header'
import { isObject, objectOf, type JsonObject } from '../../mcp/json'

/** A call as far as a command has to repeat it. */
export interface Repeatable {
  url: string
  era: Era
  method: string
  /** `params` as the client sent them. */
  params: string
  /** Of the tool, which may want arguments in headers as well; null if it is not known, or no tool is called. */
  inputSchema: unknown
}

const LEGACY = '2025-11-25'
const MODERN = '2026-07-28'
const META = 'io.modelcontextprotocol/'

/** What stands in the header `Mcp-Name`, by method. */
const named: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** A command for a shell that makes the same call again, as a client of its era would. */
export function curlOf(call: Repeatable): string {
  return call.era === 'modern' ? modern(call) : legacy(call)
}

/** One request that describes itself. Headers repeat what it is routed by. */
function modern({ url, method, params, inputSchema }: Repeatable): string {
  const sent = objectOf(JSON.parse(params))
  const version = String(objectOf(sent._meta)[`${META}protocolVersion`] ?? MODERN)
  const name = sent[named[method] ?? '']
  const headers = {
    'MCP-Protocol-Version': version,
    'Mcp-Method': method,
    ...(typeof name === 'string' && { 'Mcp-Name': encodeHeader(name) }),
    ...mirroredHeaders(inputSchema, objectOf(sent.arguments)),
  }
  const body = messageOf(method, isComplete(sent) ? params : JSON.stringify(begunAnew(sent, version)))
  return command('curl -sSN', quoted(url), headers, body)
}

/** Whether it can be sent as it is, byte by byte. */
function isComplete(sent: JsonObject): boolean {
  const meta = objectOf(sent._meta)
  const answers = 'requestState' in sent || 'inputResponses' in sent
  return !answers && `${META}protocolVersion` in meta && isObject(meta[`${META}clientCapabilities`])
}

/** A later round of a call answers a question that nobody asks any more: only its beginning can be repeated. */
function begunAnew({ requestState: _, inputResponses: __, ...sent }: JsonObject, version: string): JsonObject {
  const meta = { [`${META}protocolVersion`]: version, [`${META}clientCapabilities`]: {}, ...objectOf(sent._meta) }
  return { ...sent, _meta: meta }
}

/** A session for this one call: the handshake, the call, and the end. */
function legacy({ url, method, params }: Repeatable): string {
  const hello = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'curl', version: '1' } }
  const inSession = { 'MCP-Protocol-Version': LEGACY, 'Mcp-Session-Id': '$session' }
  const initialize = command('curl -sS -D - -o /dev/null', '"$url"', {}, messageOf('initialize', JSON.stringify(hello)))
  const end = `curl -sS -o /dev/null -X DELETE "$url" ${Object.entries(inSession).map(header).join(' ')}`
  return [
    `url=${quoted(url)}`,
    `session=$(${initialize} |\n  tr -d '\\r' | sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: *//p')`,
    command('curl -sS', '"$url"', inSession, '{"jsonrpc":"2.0","method":"notifications/initialized"}'),
    command('curl -sSN', '"$url"', inSession, messageOf(method, params, 2)),
    end,
  ].join('\n')
}

function command(start: string, url: string, headers: Record<string, string>, body: string): string {
  const always = `-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'`
  const more = Object.entries(headers).map(header).join(' ')
  return [`${start} ${url}`, always, more, `-d ${quoted(body)}`].filter(Boolean).join(' \\\n  ')
}

/** The session is a variable of the shell, which only double quotes let through. */
function header([name, value]: [string, string]): string {
  return value === '$session' ? `-H "${name}: $session"` : `-H ${quoted(`${name}: ${value}`)}`
}

function messageOf(method: string, params: string, id = 1): string {
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`
}

/** Between single quotes a shell leaves everything alone but the single quote. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
