/** One event of a server-sent event stream (HTML standard, "Server-sent events"). */
export interface SseEvent {
  data: string
  /** Null if this event has none of its own. */
  id: string | null
  /** How long to wait before reconnecting, if the server says. */
  retryMs: number | null
}

/** Reads events until the stream ends. Leaving the loop early closes the stream. */
export async function* sseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const event = new Building()
  for await (const line of lines(body)) {
    if (line !== '') event.take(line)
    else {
      const done = event.finish()
      if (done) yield done
    }
  }
  // What is not followed by an empty line was cut off, and does not count.
}

class Building {
  private data: string[] = []
  private id: string | null = null
  private retryMs: number | null = null

  take(line: string) {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.data.push(value)
    else if (name === 'id' && !value.includes('\0')) this.id = value
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value)
  }

  /** The event, if there is anything to it: an id alone opens a stream that can be taken up again. */
  finish(): SseEvent | null {
    const { data, id, retryMs } = this
    this.data = []
    this.id = null
    this.retryMs = null
    return data.length || id !== null || retryMs !== null ? { data: data.join('\n'), id, retryMs } : null
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  // The decoder also drops a byte order mark.
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      rest += decoder.decode(value, { stream: !done })
      const parts = rest.split(/\r\n|\n|\r(?!$)/)
      rest = parts.pop() ?? ''
      yield* parts
      if (done) return
    }
  } finally {
    // Also when the consumer leaves: an unread stream would hold its connection.
    await reader.cancel().catch(() => undefined)
  }
}
