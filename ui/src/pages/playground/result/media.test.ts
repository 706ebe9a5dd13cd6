import { describe, expect, test } from 'vitest'
import { fileName, mediaUrl, sizeOf, textKind } from './media'

describe('textKind', () => {
  const rows: [string, string, string | null][] = [
    ['json', '{"a": 1}', null],
    ['json', ' [1]', 'text/plain'],
    ['json', '7', 'application/vnd.x+json'],
    ['plain', '{"a": ', 'application/json'],
    ['plain', 'Echo: hello', null],
    ['plain', '7', null],
    ['plain', 'a - b\nc * d, snake_case and 2 ** 3', null],
    ['markdown', '# Title', null],
    ['markdown', 'see [this](https://example.com)', null],
    ['markdown', '- one\n- two', null],
    ['markdown', '| a | b |\n|---|---|\n| 1 | 2 |', null],
    ['markdown', 'anything', 'text/markdown'],
    ['plain', '# a comment', 'text/x-python'],
  ]
  test.each(rows)('%s: %j of type %s', (kind, text, mimeType) => expect(textKind(text, mimeType)).toBe(kind))
})

test('only images and sounds become URLs, and only of Base64', () => {
  expect(mediaUrl('image', 'image/png', 'AAAA')).toBe('data:image/png;base64,AAAA')
  expect(mediaUrl('image', 'text/html', 'AAAA')).toBeNull()
  expect(mediaUrl('image', 'image/png;x"', 'AAAA')).toBeNull()
  expect(mediaUrl('audio', 'audio/wav', '" onerror=')).toBeNull()
})

test('sizeOf counts bytes', () => {
  expect(['QQ==', 'QUI=', 'QUJD'].map(sizeOf)).toEqual([1, 2, 3])
})

test('fileName is the last part of a URI, without what file systems stumble over', () => {
  expect(fileName('everything+demo://resource/static/how%20it works.md?x=1')).toBe('how-it-works.md')
  expect(fileName('x://')).toBe('x-')
  expect(fileName('file:///a/%E0%A4%A')).toBe('-E0-A4-A')
})
