import { expect, test } from 'vitest'
import { backendLabel, clientName, routeName, urlOf } from './names'
import type { Backend, Route } from './types'

test('routes without a name are counted over all routes', () => {
  const routes = [
    { key: 'a', name: null },
    { key: 'b', name: 'tools' },
    { key: 'c', name: null },
  ] as Route[]
  expect(routes.map((route) => routeName(route, routes))).toEqual(['Route 1', 'tools', 'Route 3'])
})

test('an endpoint without a host takes the one that the page came from', () => {
  const endpoint = { scheme: 'http', host: null, port: 3000, path: '/mcp' } as const
  expect(urlOf(endpoint, 'localhost')).toBe('http://localhost:3000/mcp')
  expect(urlOf(endpoint, '[::1]')).toBe('http://[::1]:3000/mcp')
  expect(urlOf({ ...endpoint, host: 'tools.example.com' }, 'localhost')).toBe('http://tools.example.com:3000/mcp')
})

test('the usual ports are left out', () => {
  const of = (scheme: 'http' | 'https', port: number) => urlOf({ scheme, host: 'a', port, path: '/mcp' }, '')
  expect(of('http', 80)).toBe('http://a/mcp')
  expect(of('https', 443)).toBe('https://a/mcp')
  expect(of('https', 80)).toBe('https://a:80/mcp')
})

test('a backend that is gone by now is known by its key', () => {
  const backends = [{ key: 'b', targets: [{ name: 'time' }, { name: 'everything' }] }] as Backend[]
  expect(backendLabel('b', backends)).toBe('MCP: time, everything')
  expect(backendLabel('3000/0/0/1', backends)).toBe('3000/0/0/1')
})

test('a client is called by its title, or its name, or neither', () => {
  expect(clientName({ title: 'Claude Code', name: 'claude-code' })).toBe('Claude Code')
  expect(clientName({ name: 'curl' })).toBe('curl')
  expect(clientName({})).toBe('Unnamed client')
  expect(clientName(null)).toBe('Unnamed client')
})
