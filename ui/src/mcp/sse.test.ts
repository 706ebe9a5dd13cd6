import { describe, expect, test } from 'vitest'
import { type SseEvent, sseEvents } from './sse'

async function read(...chunks: string[]): Promise<SseEvent[]> {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk))
      controller.close()
    },
  })
  const events = []
  for await (const event of sseEvents(body)) events.push(event)
  return events
}

const event = (data: string, rest: Partial<SseEvent> = {}): SseEvent => ({ data, id: null, retryMs: null, ...rest })

describe('sseEvents', () => {
  test.each(['\n', '\r\n', '\r'])('knows the line end %j', async (end) => {
    const lines = ['id: 1', 'data: a', 'data: b', '', ': comment', '', 'data:c', '', '']
    expect(await read(lines.join(end) + end)).toEqual([event('a\nb', { id: '1' }), event('c')])
  })

  test('does not care where chunks are cut', async () => {
    const text = '\ufeffevent: message\r\nid: é\r\ndata: {"a":1}\r\n\r\ndata: x\n\n'
    const whole = await read(text)
    expect(whole).toEqual([event('{"a":1}', { id: 'é' }), event('x')])
    for (let at = 1; at < text.length; at += 1) expect(await read(text.slice(0, at), text.slice(at))).toEqual(whole)
  })

  test('tells of an event that only says where to take up the stream, and when', async () => {
    expect(await read('id: 7\nretry: 250\ndata:\n\n')).toEqual([event('', { id: '7', retryMs: 250 })])
  })

  test('drops an event that was cut off', async () => {
    expect(await read('data: whole\n\ndata: half\n')).toEqual([event('whole')])
  })

  test('closes the stream when the reader leaves', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: a\n\ndata: b\n\n')),
      cancel: () => void (cancelled = true),
    })
    for await (const { data } of sseEvents(body)) {
      expect(data).toBe('a')
      break
    }
    expect(cancelled).toBe(true)
  })
})
