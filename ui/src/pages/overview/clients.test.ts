import { expect, test } from 'vitest'
import { guidesFor, nameFor } from './clients'

const textOf = (url: string, client: string, snippet = 0) =>
  guidesFor(url, 'gateway').find(({ id }) => id === client)?.snippets[snippet]?.text

test('what is pasted is what the README says', () => {
  const url = 'http://localhost:3000/mcp'
  expect(textOf(url, 'claude-code')).toBe('claude mcp add --transport http gateway http://localhost:3000/mcp')
  expect(JSON.parse(textOf(url, 'claude-code', 1) ?? '')).toEqual({ mcpServers: { gateway: { type: 'http', url } } })
  expect(JSON.parse(textOf(url, 'claude-desktop') ?? '')).toEqual({
    mcpServers: { gateway: { command: 'npx', args: ['-y', 'mcp-remote', url] } },
  })
  expect(JSON.parse(textOf(url, 'cursor') ?? '')).toEqual({ mcpServers: { gateway: { url } } })
  expect(JSON.parse(textOf(url, 'vscode') ?? '')).toEqual({ servers: { gateway: { type: 'http', url } } })
})

test('plain HTTP to another machine has to be allowed for mcp-remote', () => {
  expect(textOf('http://10.0.0.7:3000/mcp', 'claude-desktop')).toContain('--allow-http')
  expect(textOf('https://tools.example.com/mcp', 'claude-desktop')).not.toContain('--allow-http')
  expect(textOf('http://[::1]:3000/mcp', 'claude-desktop')).not.toContain('--allow-http')
})

test('a URL that a shell would take apart is quoted', () => {
  expect(textOf("http://localhost:3000/mcp?team=a&b='c'", 'claude-code')).toBe(
    `claude mcp add --transport http gateway 'http://localhost:3000/mcp?team=a&b='\\''c'\\'''`,
  )
})

test('several routes get names of their own', () => {
  expect(nameFor('Route 1', false)).toBe('gateway')
  expect(nameFor('Route 2', true)).toBe('gateway-route-2')
  expect(nameFor('Partner tools!', true)).toBe('gateway-partner-tools')
  expect(nameFor('工具', true)).toBe('gateway')
})
