/** A client of 2025-11-25 that has shaken hands: somebody else than the page. */
export async function connect(gateway, clientInfo) {
  const client = new Client(`http://127.0.0.1:${gateway.ports[0]}/mcp`)
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const response = await client.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  client.session = response.headers.get('mcp-session-id')
  await response.text()
  await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return client
}

class Client {
  session = null
  #last = 0

  constructor(url) {
    this.url = url
  }

  post(message) {
    return fetch(this.url, { method: 'POST', headers: this.#headers(), body: JSON.stringify(message) })
  }

  /** The text of the answer, which is JSON or an event of it. */
  async call(name, args) {
    const response = await this.post({ jsonrpc: '2.0', id: ++this.#last, method: 'tools/call', params: { name, arguments: args } })
    return response.text()
  }

  async close() {
    await fetch(this.url, { method: 'DELETE', headers: this.#headers() })
  }

  #headers() {
    return {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(this.session !== null && { 'mcp-session-id': this.session, 'mcp-protocol-version': '2025-11-25' }),
    }
  }
}
