/** Notes whatever no test may cause, unless the test says that it will. */
export class Watch {
  #problems = []
  #allowed = []
  #origins

  /** @param {() => string[]} origins where requests may go, asked at the end, when all ports are known */
  constructor(context, origins) {
    this.#origins = origins
    context.on('page', (page) => this.#follow(page))
    // Not all of them reach the console.
    context.addInitScript(() =>
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`Content Security Policy: ${violatedDirective} forbids ${blockedURI}`),
      ),
    )
    context.on('request', (request) => this.#requested(request.url()))
  }

  /** Errors in the console that this test causes on purpose: what a page cannot keep the browser from saying. */
  allow(pattern) {
    this.#allowed.push(pattern)
  }

  /** For what is not seen in an event: accessibility, for one. */
  note(problem) {
    this.#problems.push(problem)
  }

  problems() {
    return this.#problems.filter((problem) => !this.#allowed.some((pattern) => pattern.test(problem)))
  }

  /** Throws if anything happened. */
  verdict() {
    const problems = this.problems()
    if (problems.length > 0) throw new Error(`the page did what no page may do:\n${[...new Set(problems)].join('\n')}`)
  }

  #follow(page) {
    page.on('pageerror', (error) => this.note(`unhandled: ${error.stack ?? error}`))
    page.on('console', (message) => {
      if (message.type() === 'error') this.note(`console: ${message.text()} (${message.location().url})`)
    })
    page.on('crash', () => this.note('the page crashed'))
    page.on('websocket', (socket) => this.#requested(socket.url()))
  }

  #requested(url) {
    const { protocol, origin } = new URL(url)
    if (protocol === 'data:' || protocol === 'blob:') return
    if (!this.#origins().includes(origin)) this.note(`a request left for ${url}`)
  }
}
