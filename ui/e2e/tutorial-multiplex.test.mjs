import assert from 'node:assert/strict'
import { Playground } from './harness/playground.mjs'
import { multiplex } from './harness/seeds.mjs'
import { browserTest } from './harness/test.mjs'

browserTest('the steps of “Multiplex MCP Servers”', { config: multiplex }, async ({ page, gateway, accessible }) => {
  // Step 3
  assert.match(gateway.log, /INFO agentgateway: Listening on 0\.0\.0\.0:\d+\n/)
  assert.match(gateway.log, /INFO agentgateway: Admin UI available at http:\/\/localhost:\d+\/ui\/\n/)

  // Step 4
  await page.goto(`${gateway.admin}/ui/`)
  await page.getByRole('link', { name: 'Backends' }).first().click()
  const main = page.getByRole('main')
  for (const words of ['1 total backend', '1 MCP', '2 targets', 'uvx mcp-server-time', 'npx @modelcontextprotocol/server-everything']) {
    await main.getByText(words, { exact: true }).waitFor()
  }
  await main.getByRole('heading', { name: 'MCP: time, everything' }).waitFor()
  await accessible('Backends')

  // Step 5
  await page.getByRole('navigation').getByRole('link', { name: 'Playground' }).click()
  const { routes, available, result } = new Playground(page)
  await routes.getByText('Route 1', { exact: true }).click()
  assert.ok(await routes.getByRole('radio', { name: /Route 1/ }).isChecked())
  await routes.getByRole('button', { name: 'Connect' }).click()
  for (const tool of ['time_get_current_time', 'time_convert_time', 'everything_echo']) {
    await available.getByRole('button', { name: tool }).waitFor()
  }

  // Step 6
  await available.getByRole('button', { name: 'time_get_current_time' }).click()
  await page.getByRole('textbox', { name: 'timezone' }).fill('America/New_York')
  await page.getByRole('button', { name: 'Run Tool' }).click()
  await result.getByText('HTTP 200').waitFor()
  await result.getByRole('tabpanel', { name: 'Tool output' }).getByText(/"datetime": "\d{4}-\d\d-\d\dT/).waitFor()
})
