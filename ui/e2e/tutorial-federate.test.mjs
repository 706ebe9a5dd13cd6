import assert from 'node:assert/strict'
import { Playground } from './harness/playground.mjs'
import { federate, federateForBrowsers } from './harness/seeds.mjs'
import { browserTest } from './harness/test.mjs'

const description = 'of “Federate multiple MCP servers into a unified virtual MCP backend”'

/** “Verify access to a tool from the … target”, twice. */
async function callBothTargets(playground) {
  const { page, tool, result } = playground
  await tool.selectOption('everything_echo')
  await page.getByRole('textbox', { name: 'Message' }).fill('hello world')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await result.getByText('HTTP 200').waitFor()
  await result.getByRole('tabpanel', { name: 'Tool output' }).getByText(/hello world/).waitFor()

  await tool.selectOption('time_get_current_time')
  await page.getByRole('textbox', { name: 'timezone' }).fill('America/New_York')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await result.getByRole('tabpanel', { name: 'Tool output' }).getByText(/America\/New_York/).waitFor()
  await result.getByText('HTTP 200').waitFor()
  assert.match(await result.getByRole('tabpanel', { name: 'Tool output' }).innerText(), /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[45]:00/)
}

browserTest(`the steps ${description}, from a configuration without CORS`, { config: federate }, async ({ page, gateway, accessible }) => {
  await page.goto(`${gateway.admin}/`)
  assert.equal(page.url(), `${gateway.admin}/ui/`)
  const navigation = page.getByRole('navigation')
  await navigation.getByRole('link', { name: 'Listeners' }).click()
  await page.getByRole('main').getByText(String(gateway.ports[0]), { exact: true }).waitFor()
  await navigation.getByRole('list', { name: 'MCP' }).getByRole('link', { name: 'Tool Playground' }).click()

  await page.getByText('Browser access is not allowed').waitFor()
  await accessible('the playground that asks for browser access')
  await page.getByRole('button', { name: 'Apply CORS' }).click()

  const playground = new Playground(page)
  const { result } = playground
  await result.getByText('everything_echo', { exact: true }).waitFor()
  await result.getByText('time_get_current_time', { exact: true }).waitFor()
  const names = await playground.tool.getByRole('option').allInnerTexts()
  assert.ok(names.filter((name) => /_/.test(name)).every((name) => /^(everything|time)_/.test(name)), names.join())
  await accessible('the playground with its discovered tools')

  const policy = ['policies:', '        cors:', `          allowOrigins: ["${gateway.admin}"]`, '      backends:'].join('\n')
  assert.equal(await gateway.read(), federate.replace('backends:', policy))

  await callBothTargets(playground)
  await accessible('the playground with a result')
})

browserTest(`the steps ${description}, with the CORS policy of its optional step`, { config: federateForBrowsers }, async ({ page, gateway, go }) => {
  await go()
  await page.getByRole('navigation').getByRole('link', { name: 'Tool Playground' }).click()
  const initialize = page.getByRole('main').getByRole('button', { name: 'Initialize' })
  await initialize.waitFor()
  assert.equal(await page.getByRole('button', { name: 'Apply CORS' }).count(), 0)
  await initialize.click()
  const playground = new Playground(page)
  await playground.result.getByText('everything_echo', { exact: true }).waitFor()
  await playground.result.getByText('time_get_current_time', { exact: true }).waitFor()
  await callBothTargets(playground)
  assert.equal(await gateway.read(), federateForBrowsers)
})
