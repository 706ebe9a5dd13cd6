import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const server = fileURLToPath(new URL('./harness/hostile-server.mjs', import.meta.url))
const config = serving([{ name: 'hostile', stdio: { cmd: process.execPath, args: [server] } }])

// The watch sees requests that leave, and what the policy had to stop.
browserTest('what a server says stays text: it runs nothing, loads nothing and leads nowhere by itself', { config }, async ({ page, gateway, go }) => {
  const { key } = (await gateway.status()).backends[0]
  const own = async (name) => {
    assert.ok(await page.locator('body').isVisible(), name)
    assert.match(await page.title(), / · agentgateway$/)
    assert.equal(await page.locator('iframe, object, embed, main style, main script, main link').count(), 0, name)
    const hrefs = await page.locator('a').evaluateAll((links) => links.map(({ href, target, rel }) => ({ href, target, rel })))
    for (const { href, target, rel } of hrefs) {
      assert.match(href, /^(https?|blob):/)
      if (/^https?:/.test(href) && new URL(href).origin !== gateway.admin) assert.deepEqual({ target, rel }, { target: '_blank', rel: 'noopener noreferrer' })
    }
  }
  await go()
  await page.getByRole('main').getByText('hostile').first().waitFor()
  await own('Overview')
  await go(`backends?${new URLSearchParams({ backend: key, target: 'hostile' })}`)
  await page.getByText(/Standard error/).click()
  const items = page.getByRole('region', { name: 'Items of hostile' })
  await items.getByText('talk', { exact: true }).click()
  await items.getByRole('heading', { name: 'Input schema' }).waitFor()
  await own('Backends')
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await page.getByText('What it says of itself').click()
  await playground.call('talk')
  await playground.answers('unknown')
  await own('Tool Playground')
  await page.getByRole('tab', { name: 'Raw JSON' }).click()
  await own('Raw JSON')
  await go('activity')
  await page.locator('[data-call]').filter({ hasText: 'talk' }).first().click()
  await page.getByRole('region', { name: /^Call \d+$/ }).getByText(/evil\.example/).first().waitFor()
  await own('Activity')
})
