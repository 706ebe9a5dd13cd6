import { expect, test } from 'vitest'
import { hostOf } from './host'

test.each([
  ['https://example.com/sign-in?x=1', 'example.com', null],
  ['http://localhost:8080/', 'localhost:8080', null],
  ['http://example.com/', 'example.com', expect.stringContaining('encrypted')],
  ['https://bank.example@evil.example/', 'evil.example', expect.stringContaining('@')],
  ['https://exаmple.com/', 'xn--exmple-4nf.com', expect.stringContaining('letters')],
])('%s leads to %s', (url, name, warning) => expect(hostOf(url)).toEqual({ name, warning }))

test.each(['', 'example.com', 'javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x'])('%s is not opened', (url) => {
  expect(hostOf(url)).toBeNull()
})
