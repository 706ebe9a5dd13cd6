/**
 * The pictures of docs/images: every page in light and dark, and two on a phone. It needs the peers (`make peers`) and the usual ports.
 *
 *     node e2e/screenshots.mjs [folder]
 */

import { mkdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { laptop, launch, open, phone } from './harness/browser.mjs'
import { connect } from './harness/client.mjs'
import { Playground } from './harness/playground.mjs'
import { Gateway } from './harness/program.mjs'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/images/', import.meta.url))

/** Pictures are for pages that many people load. */
const MOST_BYTES = 300_000

const config = `# yaml-language-server: $schema=https://agentgateway.dev/schema/config
# Two servers as one, for everybody in the team.
binds:
- port: 3000
  listeners:
  - name: team
    address: 127.0.0.1
    routes:
    - name: tools
      policies:
        cors:
          allowOrigins: ["http://localhost:15000"]
      backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
          - name: everything   # shows what a server can do
            stdio:
              cmd: npx
              args: ["@modelcontextprotocol/server-everything"]
`

const clients = [
  { name: 'vscode', title: 'Visual Studio Code', version: '1.118.0' },
  { name: 'cursor', title: 'Cursor', version: '3.4.2' },
  { name: 'standup-report', version: '0.9.1' },
]

/** Calls as teams make them: mostly fine. */
const calls = [
  ['time_get_current_time', { timezone: 'Europe/Berlin' }],
  ['everything_echo', { message: 'Good morning' }],
  ['time_convert_time', { source_timezone: 'Europe/Berlin', time: '09:30', target_timezone: 'America/New_York' }],
  ['everything_get-sum', { a: 1250, b: 480 }],
  ['time_get_current_time', { timezone: 'Asia/Tokyo' }],
  ['everything_get-structured-content', { location: 'Chicago' }],
  ['time_get_current_time', { timezone: 'Europe/Atlantis' }],
  ['everything_get-tiny-image', {}],
  ['time_get_current_time', { timezone: 'America/New_York' }],
  ['everything_get-annotated-message', { messageType: 'success', includeImage: false }],
  ['everything_echo', { message: 'Is anybody there?' }],
]
const rounds = 14

async function main() {
  const home = join(tmpdir(), 'agentgateway')
  await mkdir(home, { recursive: true })
  await mkdir(folder, { recursive: true })
  const gateway = new Gateway(home)
  await gateway.write(config)
  await gateway.start()
  const browser = await launch()
  try {
    await traffic(gateway)
    for (const colorScheme of ['light', 'dark']) {
      await pictures(browser, gateway, { colorScheme, viewport: laptop, deviceScaleFactor: 1.5 }, colorScheme)
    }
    await onPhone(browser, gateway)
  } finally {
    await browser.close()
    await gateway.stop()
    await rm(home, { recursive: true, force: true })
  }
}

async function traffic(gateway) {
  const links = []
  for (const client of clients) links.push(await connect(gateway, client))
  for (let round = 0; round < rounds; round++) {
    for (const [index, [name, args]] of calls.entries()) await links[(round + index) % links.length].call(name, args)
  }
}

async function pictures(browser, gateway, options, theme) {
  const context = await opened(browser, gateway, options)
  const page = await context.newPage()
  const take = (name) => picture(page, `ui-${name}-${theme}.png`)
  const takeTop = async (name) => {
    await page.evaluate(() => window.scrollTo(0, 0))
    await take(name)
  }
  const playground = new Playground(page)

  await page.goto('playground?item=everything_trigger-sampling-request')
  await playground.connect('legacy')
  await playground.fill({ prompt: 'Sum up the meeting notes of this week in one sentence.' })
  await page.getByRole('button', { name: 'Call tool' }).click()
  await playground.question.getByLabel('Your answer').fill('The new release goes out on Monday, once the last two reviews are in.')
  await take('question')
  await playground.question.getByRole('button', { name: 'Answer' }).click()
  await playground.result.getByText('HTTP 200').waitFor()
  await playground.call('time_get_current_time', { timezone: 'America/New_York' })
  await playground.answers(/America\/New_York/)
  await playground.tool.evaluate((element) => element.scrollIntoView())
  await take('playground')

  await visit(page, '', page.getByRole('heading', { name: 'Everything is all right' }))
  await takeTop('overview')
  await visit(page, 'listeners', page.getByRole('heading', { name: 'From listener to target' }))
  await takeTop('listeners')
  const { key } = (await gateway.status()).backends[0]
  await visit(page, `backends?${new URLSearchParams({ backend: key, target: 'time' })}`, page.getByText('time_convert_time'))
  await takeTop('backends')
  await visit(page, 'sessions', page.getByRole('row', { name: /Cursor/ }))
  await takeTop('sessions')
  await visit(page, 'activity', page.locator('[data-call]').nth(12))
  await page.locator('[data-call]').filter({ hasText: 'time_convert_time' }).first().click()
  await page.getByRole('region', { name: /^Call \d+$/ }).getByText(/"source_timezone"/).first().waitFor()
  await takeTop('activity')
  await visit(page, 'configuration', page.getByText('No faults'))
  await takeTop('configuration')
  await context.close()
}

async function onPhone(browser, gateway) {
  const context = await opened(browser, gateway, { colorScheme: 'light', viewport: phone, deviceScaleFactor: 2, isMobile: true, hasTouch: true })
  const page = await context.newPage()
  await visit(page, '', page.getByRole('heading', { name: 'Everything is all right' }))
  await picture(page, 'ui-overview-phone.png')
  await page.goto('playground')
  const playground = new Playground(page)
  await playground.connect('modern')
  await playground.call('time_get_current_time', { timezone: 'America/New_York' })
  await playground.answers(/America\/New_York/)
  await playground.tool.evaluate((element) => element.scrollIntoView())
  await picture(page, 'ui-playground-phone.png')
  await context.close()
}

async function opened(browser, gateway, options) {
  const context = await open(browser, gateway, options)
  await context.addInitScript(spreadTraffic)
  return context
}

/**
 * The calls were made within seconds, and nobody waits an hour for a picture: spreads them over the hour that the charts show, and has
 * the gateway started before it. The sums stay what they are.
 */
function spreadTraffic() {
  const parse = JSON.parse
  const share = (index) => Math.max(0, Math.sin(index / 7) + Math.sin(index / 2.3) / 2 + 0.6) * (0.6 + ((index * 7919) % 13) / 16)
  const spread = (values) => {
    const sum = values.reduce((all, value) => all + value, 0)
    const all = values.reduce((some, _, index) => some + share(index), 0)
    let [given, due] = [0, 0]
    return values.map((_, index) => {
      due += (sum * share(index)) / all
      const value = Math.round(due) - given
      given += value
      return value
    })
  }
  JSON.parse = (text, reviver) => {
    const value = parse(text, reviver)
    const { calls, errors, p50Ms } = value?.traffic ?? {}
    if (calls === undefined) return value
    const usual = p50Ms.findLast((median) => median !== null) ?? null
    const spreadCalls = spread(calls)
    const medians = spreadCalls.map((count, index) => (count === 0 || usual === null ? null : usual * (0.7 + ((index * 31) % 17) / 20)))
    value.startedAt = new Date(Date.parse(value.startedAt) - 3 * 86_400_000).toISOString()
    Object.assign(value.traffic, { calls: spreadCalls, errors: spread(errors), p50Ms: medians })
    return value
  }
}

async function visit(page, path, sign) {
  await page.goto(path)
  await sign.first().waitFor()
}

async function picture(page, name) {
  await page.evaluate(() => document.fonts.ready)
  // Nothing is pointed at, and no cursor blinks.
  await page.mouse.move(0, 0)
  const path = join(folder, name)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  const { size } = await stat(path)
  console.log(`${name} ${Math.round(size / 1000)} kB`)
  if (size > MOST_BYTES) throw new Error(`${name} is larger than ${MOST_BYTES / 1000} kB`)
}

await main()
