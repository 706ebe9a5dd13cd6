import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { browserTest } from './harness/test.mjs'

browserTest('a gateway that went away is said to be gone, and comes back by itself', { config: serving([builtin('time')]) }, async ({ page, gateway, go, watch, accessible }) => {
  watch.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/)
  await go('backends')
  const live = page.getByRole('banner').getByText('Live', { exact: true }).locator('visible=true')
  const lost = page.getByRole('main').getByRole('status').getByText('The gateway does not answer.')
  await live.waitFor()
  const before = (await gateway.status()).startedAt

  // The same ports again, as somebody has who starts it anew.
  const { ports, admin } = gateway
  await gateway.kill()
  await lost.waitFor()
  await page.getByText('Connection lost').locator('visible=true').waitFor()
  assert.ok(await page.getByRole('button', { name: /^time/ }).isVisible(), 'what was shown is still shown')
  await accessible('Backends while the connection is lost')

  // A page that has never been shown says so, too.
  await page.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  await lost.waitFor()

  await gateway.write((await gateway.read()).replace('127.0.0.1:0', new URL(admin).host).replace('port: 0', `port: ${ports[0]}`))
  await gateway.start()
  assert.equal(gateway.admin, admin)
  await lost.waitFor({ state: 'hidden' })
  await live.waitFor()
  await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: 'Everything is all right' }).waitFor()
  assert.notEqual((await gateway.status()).startedAt, before)
})
