import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { connect } from './harness/client.mjs'
import { pages } from './harness/pages.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([builtin('time'), builtin('everything')])

browserTest('every page has its title and its place, with nothing going on yet', { config }, async ({ page, go, accessible }) => {
  for (const { path, name, heading } of pages) {
    await go(path)
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), heading)
    assert.match(await page.title(), new RegExp(`^${heading} · agentgateway$`))
    assert.equal(await page.getByRole('navigation').getByRole('link', { name, exact: true }).getAttribute('aria-current'), 'page')
    await accessible(name)
  }
})

browserTest('every page is sound while clients are at work', { config }, async ({ page, gateway, go, accessible }) => {
  const client = await connect(gateway, { name: 'night-shift', title: 'The night shift', version: '2.1' })
  await client.call('everything_echo', { message: 'hello' })
  await client.call('time_get_current_time', { timezone: 'Nowhere' })
  const signs = {
    '': page.getByRole('main').getByText('2', { exact: true }).first(),
    listeners: page.getByRole('heading', { name: 'From listener to target' }),
    backends: page.getByRole('button', { name: /^everything.*1 call/s }),
    playground: page.getByRole('heading', { name: 'Routes' }),
    sessions: page.getByRole('row', { name: /The night shift/ }),
    activity: page.locator('[data-call]').nth(1),
    configuration: page.getByText('No faults'),
  }
  for (const { path, name } of pages) {
    await go(path)
    await signs[path].waitFor()
    await accessible(`${name} with calls`)
  }
})

browserTest('going back and forth, and links from elsewhere, lead to the same pages', { config }, async ({ page, gateway, go }) => {
  const here = page.getByRole('heading', { level: 1 })
  const link = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true })
  await go()
  await link('Backends').click()
  await link('Activity').click()
  assert.equal(new URL(page.url()).pathname, '/ui/activity')
  await page.goBack()
  await page.getByRole('heading', { level: 1, name: 'Backends' }).waitFor()
  await page.goForward()
  await page.getByRole('heading', { level: 1, name: 'Activity' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Activity' }).waitFor()

  // What is opened is in the address.
  const { key } = (await gateway.status()).backends[0]
  await go(`backends?${new URLSearchParams({ backend: key, target: 'everything' })}`)
  await page.getByRole('button', { name: /^everything/, expanded: true }).waitFor()
  await page.reload()
  await page.getByRole('button', { name: /^everything/, expanded: true }).waitFor()

  await go('no-such-page')
  assert.equal(await here.innerText(), 'No such page')
  await page.getByRole('link', { name: 'Go to the overview' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
})

browserTest('the overview says how clients connect, and what to paste into them is copied', { config }, async ({ page, gateway, go, accessible }) => {
  await go()
  const url = `http://127.0.0.1:${gateway.ports[0]}/mcp`
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await page.getByRole('button', { name: 'Copy URL' }).click()
  await page.getByRole('button', { name: 'Copied' }).first().waitFor()
  assert.equal(await copied(), url)
  const clients = page.getByRole('region', { name: 'Connect a client' })
  for (const name of ['Claude Code', 'Claude Desktop', 'Cursor', 'VS Code']) {
    await clients.getByRole('tab', { name }).click()
    assert.ok((await clients.getByRole('tabpanel').innerText()).includes(url), name)
  }
  await accessible('how to connect VS Code')
  await clients.getByRole('tab', { name: 'Cursor' }).click()
  await clients.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).first().click()
  await clients.getByRole('button', { name: 'Copied' }).first().waitFor()
  assert.deepEqual(JSON.parse(await copied()), { mcpServers: { gateway: { url } } })
})

browserTest('items of a target are there in full: names, schemas, cost', { config }, async ({ page, go, accessible }) => {
  await go('backends')
  await page.getByRole('button', { name: /^everything/ }).click()
  const items = page.getByRole('region', { name: 'Items of everything' })
  await items.getByText(/Context cost/).waitFor()
  await items.getByText('everything_echo', { exact: true }).click()
  await items.getByRole('heading', { name: 'Input schema' }).locator('visible=true').first().waitFor()
  assert.match(await items.innerText(), /"message"/)
  await items.getByRole('tab', { name: /^Resources/ }).click()
  await items.getByRole('tabpanel').getByText(/:\/\//).first().waitFor()
  await accessible('items of a target')
})

const many = `config: {adminAddr: "127.0.0.1:0"}
binds:
- port: 0
  listeners:
  - name: team
    address: 127.0.0.1
    routes:
    - name: blue
      matches: [{path: {pathPrefix: /blue}}]
      policies: {cors: {allowOrigins: ["*"]}}
      backends:
      - {weight: 3, mcp: {targets: [${JSON.stringify(builtin('time'))}]}}
      - {weight: 1, mcp: {targets: [${JSON.stringify(builtin('clock', 'time'))}]}}
    - matches: [{path: {exact: /green}}]
      policies: {cors: {allowOrigins: ["*"]}}
      backends:
      - mcp: {targets: [${JSON.stringify(builtin('everything'))}]}
`

browserTest('several routes and backends are told apart', { config: many }, async ({ page, go, accessible }) => {
  await go('backends')
  await page.getByText('3 total backends', { exact: true }).waitFor()
  await page.getByText('3 MCP', { exact: true }).waitFor()
  await go('listeners')
  await page.getByText('1 listener with 2 routes').waitFor()
  await page.getByText(/weight 3, 75%/).waitFor()
  await accessible('Listeners with several routes')
  await page.getByRole('link', { name: 'Try it in the playground' }).nth(1).click()
  const routes = page.getByRole('region', { name: 'Routes' })
  await routes.getByRole('radio', { name: /Route 2/, checked: true }).waitFor()
  await routes.getByRole('button', { name: 'Connect', exact: true }).click()
  const tools = page.getByRole('region', { name: 'Available Tools' })
  await tools.getByRole('button', { name: 'echo' }).waitFor()
  await routes.getByText('blue', { exact: true }).click()
  await tools.getByRole('button', { name: /get_current_time/ }).waitFor()
  assert.equal(await tools.getByRole('button', { name: 'echo' }).count(), 0)
})

browserTest('the log level is changed until the next start', { config }, async ({ page, gateway, go }) => {
  await go()
  const level = page.getByRole('combobox', { name: 'Log level' })
  assert.equal(await level.inputValue(), 'info')
  await level.selectOption('debug')
  await page.getByText('until the next start').waitFor()
  assert.equal((await gateway.status()).logLevel, 'debug')
  assert.equal(await gateway.read(), config)
})
