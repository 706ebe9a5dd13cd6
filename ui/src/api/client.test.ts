import { afterEach, expect, test, vi } from 'vitest'
import { ApiFailure, editConfig, getConfigTarget, getStatus, restartTarget, textOf } from './client'

afterEach(() => vi.unstubAllGlobals())

/** The gateway answers this to whatever is asked. Gives back what was asked. */
function answering(body: string, status: number) {
  const fetch = vi.fn<(path: string, request: RequestInit) => Promise<Response>>(() =>
    Promise.resolve(new Response(status === 204 ? null : body, { status })),
  )
  vi.stubGlobal('fetch', fetch)
  vi.stubGlobal('location', { origin: 'http://localhost:15000' })
  return fetch
}

async function failureOf(asked: Promise<unknown>): Promise<ApiFailure> {
  const failure = await asked.then(
    () => null,
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(ApiFailure)
  return failure as ApiFailure
}

test('the status is asked for in the name of the page', async () => {
  const fetch = answering('{"version":"1"}', 200)
  expect(await getStatus()).toEqual({ version: '1' })
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/status?origin=http%3A%2F%2Flocalhost%3A15000')
})

test('keys with slashes stay one part of the path', async () => {
  const fetch = answering('', 202)
  await restartTarget('3000/0/0/0', 'time')
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/backends/3000%2F0%2F0%2F0/targets/time/restart')
  answering('{}', 200)
  await getConfigTarget('3000/0/0/0', 'a.b')
})

test('what the API says of an error comes along', async () => {
  answering('{"code":"invalid","error":"2 faults","faults":[{"line":1,"column":2,"path":"mcp","message":"no"}]}', 422)
  const failure = await failureOf(editConfig({ kind: 'removeTarget', backend: 'b', name: 't' }))
  expect(failure).toMatchObject({ status: 422, code: 'invalid', text: '2 faults', faults: [{ line: 1 }] })
  expect(textOf(failure)).toBe('2 faults')
})

test('an answer of something else is told in its own words', async () => {
  answering('<h1>Bad gateway</h1>', 502)
  expect(await failureOf(getStatus())).toMatchObject({ status: 502, code: 'unknown', text: '<h1>Bad gateway</h1>' })
  answering('', 500)
  expect((await failureOf(getStatus())).text).toContain('HTTP 500')
})

test('no answer at all is told apart from an error', async () => {
  vi.stubGlobal('location', { origin: 'http://localhost:15000' })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  expect(await failureOf(getStatus())).toMatchObject({ status: 0, code: 'unreachable' })
})

test('what was called off is no failure of the gateway', async () => {
  vi.stubGlobal('location', { origin: 'http://localhost:15000' })
  vi.stubGlobal('fetch', (_path: string, request: RequestInit) => Promise.reject(request.signal?.reason))
  const abort = new AbortController()
  abort.abort()
  await expect(getStatus(abort.signal)).rejects.toBe(abort.signal.reason)
})
