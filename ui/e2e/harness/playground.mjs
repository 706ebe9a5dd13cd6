/** The playground as the tutorials name its parts. */
export class Playground {
  constructor(page) {
    this.page = page
    this.routes = page.getByRole('region', { name: 'Routes' })
    this.available = page.getByRole('region', { name: /^Available/ })
    this.tool = page.getByRole('combobox', { name: 'Tool', exact: true })
    this.result = page.getByRole('region', { name: 'Result' })
    /** What came back, without its frame. */
    this.output = this.result.getByRole('tabpanel')
    this.question = page.getByRole('dialog')
  }

  /** Connects in an era, from wherever the page is. */
  async connect(era = 'legacy') {
    await this.routes.getByText(new RegExp(`^${era}`, 'i')).click()
    await this.routes.getByRole('button', { name: 'Connect', exact: true }).click()
    await this.routes.getByText('connected', { exact: true }).waitFor()
    await this.available.getByRole('listitem').first().waitFor()
  }

  async choose(tool) {
    await this.tool.selectOption(tool)
    await this.page.getByRole('heading', { name: tool, exact: true }).waitFor()
  }

  /** The control of one argument. */
  argument(name) {
    return this.page.getByRole('region', { name: 'Arguments' }).getByLabel(name)
  }

  async fill(values) {
    for (const [name, value] of Object.entries(values)) await this.argument(name).fill(value)
  }

  /** Until the call is made; what comes of it may take longer. */
  async call(tool, values = {}) {
    await this.choose(tool)
    await this.fill(values)
    await this.page.getByRole('button', { name: 'Call tool' }).click()
    await this.result.getByText(tool, { exact: true }).first().waitFor()
  }

  /** Until the answer to the last call is there: HTTP 200, and text in which `words` stand. */
  async answers(words) {
    await this.result.getByText('HTTP 200', { exact: true }).waitFor()
    await this.output.getByText(words).first().waitFor()
  }
}
