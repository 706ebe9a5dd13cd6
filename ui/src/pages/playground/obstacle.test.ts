import { describe, expect, test } from 'vitest'
import type { Route } from '../../api/types'
import { HttpFailure, RpcFailure, Unreachable } from '../../mcp/failure'
import { obstacleOf } from './obstacle'

const route = (allowsPage: boolean, scheme: 'http' | 'https' = 'http'): Route => ({
  ...{ key: 'r', listener: 'l', name: null, hostnames: [], matches: [], cors: null, allowsPage, backends: [], at: 'mcp' },
  endpoint: { scheme, host: null, port: 3000, path: '/mcp' },
})
const gone = new Unreachable('http://localhost:3000/mcp', new TypeError())
const seen = (given: Partial<Parameters<typeof obstacleOf>[0]>) =>
  obstacleOf({ route: route(true), failure: null, connection: 'live', token: false, ...given })

describe('obstacleOf', () => {
  test('is nothing while nothing is wrong', () => expect(seen({})).toBeNull())

  test('is the origin as soon as the gateway says so, and when the fetch fails for it', () => {
    expect(seen({ route: route(false) })).toEqual({ kind: 'origin' })
    expect(seen({ route: route(false), failure: gone })).toEqual({ kind: 'origin' })
  })

  test('is not the origin when there was an answer', () => {
    expect(seen({ route: route(false), failure: new HttpFailure(500, '') })).toMatchObject({ kind: 'other' })
  })

  test('is the gateway while that is away', () => {
    expect(seen({ route: route(false), failure: gone, connection: 'lost' })).toEqual({ kind: 'gateway' })
  })

  test.each([
    ['allowHeaders', { failure: gone, token: true }],
    ['certificate', { failure: gone, route: route(true, 'https') }],
    ['between', { failure: gone }],
    ['token', { failure: new HttpFailure(401, '') }],
    ['era', { failure: new RpcFailure({ code: -32022, message: 'no' }, 400) }],
  ])('advises on %s', (word, given) => expect(seen(given)).toMatchObject({ kind: 'other', advice: expect.stringContaining(word) }))
})
