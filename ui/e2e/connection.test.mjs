import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

/** What the browser says of a gateway that is gone. */
const gone = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/

/** On the same ports, as somebody has it who starts it anew. */
async function startAgain(gateway) {
  const { ports, admin } = gateway
  await gateway.write((await gateway.read()).replace('127.0.0.1:0', new URL(admin).host).replace('port: 0', `port: ${ports[0]}`))
  await gateway.start()
  assert.equal(gateway.admin, admin)
}

browserTest('a gateway that went away is said to be gone, and comes back by itself', { config: serving([builtin('time')]) }, async ({ page, gateway, go, watch, accessible }) => {
  watch.allow(gone)
  await go('backends')
  const live = page.getByRole('banner').getByText('Live', { exact: true }).locator('visible=true')
  const lost = page.getByRole('main').getByRole('status').getByText('The gateway does not answer.')
  await live.waitFor()
  const before = (await gateway.status()).startedAt

  await gateway.kill()
  await lost.waitFor()
  await page.getByText('Connection lost').locator('visible=true').waitFor()
  assert.ok(await page.getByRole('button', { name: /^time/ }).isVisible(), 'what was shown is still shown')
  await accessible('Backends while the connection is lost')

  // A page that has never been shown says so, too.
  await page.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  await lost.waitFor()

  await startAgain(gateway)
  await lost.waitFor({ state: 'hidden' })
  await live.waitFor()
  await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: 'Everything is all right' }).waitFor()
  assert.notEqual((await gateway.status()).startedAt, before)
})

for (const era of ['legacy', 'modern']) {
  browserTest(`calls go on when the gateway is back, in the ${era} era`, { config: serving([builtin('time')]) }, async ({ page, gateway, go, watch, accessible }) => {
    watch.allow(gone)
    // A session of before is not known to the gateway any more.
    watch.allow(/404/)
    await go('playground')
    const playground = new Playground(page)
    await playground.connect(era)
    await playground.choose('get_current_time')
    await playground.fill({ timezone: 'Asia/Tokyo' })
    await gateway.kill()
    await page.getByText('Connection lost').locator('visible=true').waitFor()
    await page.getByRole('button', { name: 'Call tool' }).click()
    await playground.result.getByText('No answer came').waitFor()
    await accessible('a call that got no answer')
    await startAgain(gateway)
    await page.getByRole('banner').getByText('Live', { exact: true }).locator('visible=true').waitFor()
    if (era === 'legacy') {
      await page.getByText('The gateway does not know this session any more.').waitFor()
      await page.getByRole('main').getByRole('button', { name: 'Initialize' }).click()
      await playground.routes.getByText('connected', { exact: true }).waitFor()
    }
    assert.equal(await playground.argument('timezone').inputValue(), 'Asia/Tokyo')
    await page.getByRole('button', { name: 'Call tool' }).click()
    await playground.answers(/\+09:00/)
  })
}
