import { describe, expect, it } from 'vitest'
import { curlOf, quoted, type Repeatable } from './curl'

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }

const call = (changes: Partial<Repeatable>): Repeatable => ({
  url: 'http://localhost:3000/mcp',
  era: 'modern',
  method: 'tools/call',
  params: JSON.stringify({ name: 'everything_echo', arguments: { message: 'hello' }, _meta: meta }),
  inputSchema: null,
  ...changes,
})

const body = (command: string) => JSON.parse(/-d '(.*)'$/s.exec(command)?.[1] ?? '') as { params: Record<string, unknown> }

/** The words of a command as a shell takes it apart, as far as our commands go. */
function wordsOf(command: string): string[] {
  const parts = command.matchAll(/'([^']*)'|\\(\n|.)|(\s+)|([^\s'\\]+)/g)
  const words = ['']
  for (const [, single, escaped, space, plain] of parts) {
    if (space !== undefined) words.push('')
    else words.push((words.pop() ?? '') + (single ?? (escaped === '\n' ? '' : escaped) ?? plain ?? ''))
  }
  return words.filter((word) => word !== '')
}

describe('a modern call', () => {
  it('is one request that describes itself', () => {
    expect(curlOf(call({}))).toBe(`curl -sSN 'http://localhost:3000/mcp' \\
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
  -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: everything_echo' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"everything_echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}'`)
  })
  it('names the resource that it reads', () => {
    const params = JSON.stringify({ uri: 'docs+file:///a b', _meta: meta })
    expect(curlOf(call({ method: 'resources/read', params }))).toContain(`-H 'Mcp-Name: docs+file:///a b'`)
  })
  it('names nothing where there is nothing to name', () =>
    expect(curlOf(call({ method: 'tools/list', params: JSON.stringify({ _meta: meta }) }))).not.toContain('Mcp-Name'))
  it('encodes names that no header can carry', () => {
    const params = JSON.stringify({ name: 'caf\u00e9', _meta: meta })
    expect(curlOf(call({ params }))).toContain(`-H 'Mcp-Name: =?base64?Y2Fmw6k=?='`)
  })
  it('repeats the arguments that the tool wants in headers', () => {
    const inputSchema = { type: 'object', properties: { message: { type: 'string', 'x-mcp-header': 'Message' } } }
    expect(curlOf(call({ inputSchema }))).toContain(`-H 'Mcp-Param-Message: hello'`)
  })
  it('sends the very bytes of the client', () => {
    const params = `{ "name":"t", "arguments":{"n":12345678901234567890}, "_meta":${JSON.stringify(meta)} }`
    expect(curlOf(call({ params }))).toContain(`"params":${params}}`)
  })
  it('adds what was missing', () => {
    const { params } = body(curlOf(call({ params: '{"name":"t","_meta":{"progressToken":7}}' })))
    expect(params._meta).toEqual({ ...meta, progressToken: 7 })
  })
  it('begins a call of several rounds anew', () => {
    const params = JSON.stringify({ name: 't', requestState: 'sealed', inputResponses: { a: {} }, _meta: meta })
    expect(body(curlOf(call({ params }))).params).toEqual({ name: 't', _meta: meta })
  })
  it('leaves out a state without answers as well', () => {
    const params = JSON.stringify({ name: 't', requestState: 'sealed', _meta: meta })
    expect(body(curlOf(call({ params }))).params).toEqual({ name: 't', _meta: meta })
  })
  it('says in the header what it says in the body', () => {
    const params = JSON.stringify({ name: 't', _meta: { ...meta, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } })
    expect(curlOf(call({ params }))).toContain(`-H 'MCP-Protocol-Version: 2027-01-01'`)
  })
})

describe('a legacy call', () => {
  const script = curlOf(call({ era: 'legacy', params: '{"name":"time_now"}' }))
  it('shakes hands, calls in its session, and ends it', () => {
    const said = script.match(/"method":"[^"]*"|DELETE/g)
    expect(said).toEqual(['"method":"initialize"', '"method":"notifications/initialized"', '"method":"tools/call"', 'DELETE'])
  })
  it('takes the session from the answer', () => expect(script).toContain(`session=$(curl -sS -D - -o /dev/null "$url"`))
  it('names the session in double quotes, where the shell fills it in', () =>
    expect(script.match(/-H "Mcp-Session-Id: \$session"/g)).toHaveLength(3))
  it('sends the params as they came', () =>
    expect(script).toContain(`-d '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"time_now"}}'`))
})

describe('quoting', () => {
  it('leaves what a shell would take apart in one piece', () => expect(quoted('a $HOME `id` "b" \\ !')).toBe(`'a $HOME \`id\` "b" \\ !'`))
  it('gets single quotes through', () => expect(quoted("it's")).toBe(`'it'\\''s'`))
  it('keeps an injected command a text', () => {
    const name = "x'; rm -rf ~; '"
    const params = JSON.stringify({ name, _meta: meta })
    const words = wordsOf(curlOf(call({ params })))
    expect(words).toContain(`Mcp-Name: ${name}`)
    expect(words.at(-1)).toBe(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`)
    expect(words).not.toContain('rm')
  })
  it('quotes the URL too', () => expect(curlOf(call({ url: "http://h/'a" }))).toContain(`'http://h/'\\''a'`))
})
