import type { Language } from '../../parts/highlight'

/** One thing to paste, and where. */
export interface Snippet {
  where: string
  language: Language
  text: string
}

export interface ClientGuide {
  id: string
  label: string
  snippets: Snippet[]
}

/** How each client is told about a URL. `name` is what the client will call the gateway. */
export function guidesFor(url: string, name: string): ClientGuide[] {
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      snippets: [
        { where: 'In a terminal', language: 'shell', text: `claude mcp add --transport http ${name} ${quoted(url)}` },
        {
          where: 'Or, for everyone who works in a project, in its .mcp.json',
          language: 'json',
          text: json({ mcpServers: { [name]: { type: 'http', url } } }),
        },
      ],
    },
    {
      id: 'claude-desktop',
      label: 'Claude Desktop',
      snippets: [
        {
          where: 'In claude_desktop_config.json (Settings, Developer, Edit Config); needs Node for npx',
          language: 'json',
          text: json({ mcpServers: { [name]: { command: 'npx', args: ['-y', 'mcp-remote', url, ...allowHttp(url)] } } }),
        },
      ],
    },
    {
      id: 'cursor',
      label: 'Cursor',
      snippets: [
        {
          where: 'In .cursor/mcp.json of a project, or in ~/.cursor/mcp.json for all of them',
          language: 'json',
          text: json({ mcpServers: { [name]: { url } } }),
        },
      ],
    },
    {
      id: 'vscode',
      label: 'VS Code',
      snippets: [{ where: 'In .vscode/mcp.json', language: 'json', text: json({ servers: { [name]: { type: 'http', url } } }) }],
    },
  ]
}

/** What clients call the gateway: `gateway`, or after the route where there are several. */
export function nameFor(route: string, several: boolean): string {
  const word = route
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  return several && word !== '' ? `gateway-${word}` : 'gateway'
}

/** mcp-remote takes plain HTTP only from the machine itself, unless it is told otherwise. */
function allowHttp(url: string): string[] {
  const { protocol, hostname } = new URL(url)
  const local = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return protocol === 'https:' || local ? [] : ['--allow-http']
}

function quoted(word: string): string {
  return /^[\w:/.@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

const json = (value: unknown) => JSON.stringify(value, null, 2)
