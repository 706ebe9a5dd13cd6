import assert from 'node:assert/strict'
import { connect } from './harness/client.mjs'
import { builtin, serving } from './harness/configs.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([builtin('time'), builtin('everything')])

browserTest('sessions come, count their calls, and go as clients do', { config }, async ({ page, gateway, go, accessible }) => {
  await go('sessions')
  await page.getByText('No client has a session').waitFor()
  const client = await connect(gateway, { name: 'night-shift', version: '2.1' })
  const row = page.getByRole('row', { name: /night-shift/ })
  await row.getByText('2.1').waitFor()
  assert.match(await row.innerText(), /legacy/)
  assert.match(await row.innerText(), /2025-11-25/)
  assert.match(await row.innerText(), /MCP: time, everything/)
  await client.call('everything_echo', { message: 'hello' })
  await row.getByRole('cell', { name: '1', exact: true }).waitFor()
  await accessible('Sessions')
  await client.close()
  await page.getByText('No client has a session').waitFor()
})

browserTest('a session that is ended is gone for its client too', { config }, async ({ page, gateway, go, accessible }) => {
  const client = await connect(gateway, { name: 'day-shift', version: '1' })
  const other = await connect(gateway, { name: 'night-shift', version: '1' })
  await go('sessions')
  const end = page.getByRole('button', { name: 'End the session of day-shift' })
  await end.click()
  const dialog = page.getByRole('dialog', { name: 'End the session of day-shift?' })
  await accessible('the dialog that ends a session')
  await dialog.getByRole('button', { name: 'Keep it' }).click()
  assert.equal((await client.post({ jsonrpc: '2.0', id: 7, method: 'ping' })).status, 200)
  await end.click()
  await dialog.getByRole('button', { name: 'End session' }).click()
  await page.getByRole('status').getByText('The session of day-shift has ended.').waitFor()
  await page.getByRole('row', { name: /day-shift/ }).waitFor({ state: 'detached' })
  assert.equal((await client.post({ jsonrpc: '2.0', id: 8, method: 'ping' })).status, 404)
  assert.equal((await other.post({ jsonrpc: '2.0', id: 8, method: 'ping' })).status, 200)
})
