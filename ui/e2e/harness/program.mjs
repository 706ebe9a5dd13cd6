import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.mjs'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The program under test. */
export const agentgateway = process.env.AGENTGATEWAY ?? join(root, 'target/debug/agentgateway')

/** A server of both eras that can do everything a server may do; `cargo build -p testkit` makes it. */
export const fixture = process.env.MCP_FIXTURE ?? join(root, 'target/debug/mcp-fixture')

/** As `make test` has it: `uvx` and what it resolves are those of the tests; `npx` finds its servers in the folder we start in. */
const { RUST_LOG: _, ...inherited } = process.env
const environment = {
  ...inherited,
  PATH: join(root, 'tests/python/.venv/bin') + delimiter + process.env.PATH,
  UV_CONSTRAINT: join(root, 'tests/python/constraints.txt'),
}

/** `uvx` and `npx` look up what they start, and the machine may be busy. */
const START_MS = 60_000

/**
 * The real program with a configuration file in a folder of its own.
 *
 * @param {string | ((folder: string) => string)} config its text, in which `port: 0` lets the system choose
 * @param {{inline?: boolean}} [how] given on the command line, so that nobody can change it
 */
export async function start(config, { inline = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'agentgateway-ui-'))
  const gateway = new Gateway(folder, inline)
  await gateway.write(typeof config === 'string' ? config : config(folder))
  await gateway.start()
  return gateway
}

export class Gateway {
  #child = null
  /** Everything it wrote to standard error since it last started. */
  log = ''
  /** `http://127.0.0.1:15000`, without a slash. */
  admin = ''
  /** Ports that clients connect to, in the order of the file. */
  ports = []

  constructor(folder, inline = false) {
    this.folder = folder
    this.inline = inline
    this.file = join(folder, 'config.yaml')
  }

  async write(text) {
    await writeFile(this.file, text)
  }

  read() {
    return readFile(this.file, 'utf8')
  }

  /** Until every target has had its chance to start. */
  async start() {
    this.log = ''
    const source = this.inline ? ['-c', await this.read()] : ['-f', this.file]
    const child = spawn(agentgateway, source, {
      cwd: join(root, 'tests/js'),
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    endWithUs(child)
    child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text))
    const ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    ended.catch(() => {})
    const up = until(() => this.log.match(/Admin UI available at (\S+)\/ui\//)?.[1], 'the program to say where its UI is')
    const gone = ended.then(() => Promise.reject(new Error(`the program ended at once:\n${this.log}`)))
    this.admin = await Promise.race([up, gone])
    this.ports = [...this.log.matchAll(/Listening on \S+:(\d+)/g)].map(([, port]) => Number(port))
    await until(async () => (await this.status()).ready, 'the targets to start', START_MS)
  }

  /** As if it had crashed. */
  kill() {
    return this.#end('SIGKILL')
  }

  async stop() {
    await this.#end('SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }

  async #end(signal) {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(late)
  }

  /** What the admin API answers, as JSON. */
  async get(path) {
    const response = await fetch(this.admin + path)
    if (!response.ok) throw new Error(`GET ${path}: HTTP ${response.status}`)
    return response.json()
  }

  status() {
    return this.get('/api/status')
  }

  /** Where a page may send requests to. */
  origins() {
    const { protocol, hostname } = new URL(this.admin)
    return [this.admin, ...this.ports.map((port) => `${protocol}//${hostname}:${port}`)]
  }
}

/**
 * The fixture as a server of its own, which all links to it share: over a pipe, each client of a legacy target may have a process for
 * itself, and then nobody sees what somebody else changes.
 *
 * @returns {Promise<{url: string, stop: () => void}>}
 */
export async function startFixture(era) {
  const child = spawn(fixture, ['http', '--era', era], { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(child)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text))
  const url = await until(() => said.match(/listening on (\S+)/)?.[1], 'the fixture to say where it listens')
  return { url, stop: () => child.kill() }
}

/** A test process that dies leaves nothing running. */
function endWithUs(child) {
  const end = () => child.kill()
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
}
