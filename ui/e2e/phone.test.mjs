import assert from 'node:assert/strict'
import { phone } from './harness/browser.mjs'
import { builtin, failing, kit, serving } from './harness/configs.mjs'
import { connect } from './harness/client.mjs'
import { pages } from './harness/pages.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

/** Long names and messages are what makes narrow pages wide. */
const config = serving([
  builtin('time'),
  builtin('the-server-with-the-longest-name-of-all-servers', 'everything'),
  kit('both'),
  failing('broken', 'no_such_file:/usr/local/lib/a/very/long/path/that/has/no/place/to/break/in/its/whole/length/index.js'),
])

/** What reaches over the right edge, not counting what scrolls for itself. */
const tooWide = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth <= clientWidth) return []
    const wide = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
    return wide.map(({ tagName, className }) => `${tagName.toLowerCase()}.${className}`)
  })

for (const width of [phone.width, 360]) {
  browserTest(`no page scrolls sideways at a width of ${width}`, { config, window: { viewport: { ...phone, width } } }, async ({ page, gateway, go, accessible }) => {
    const client = await connect(gateway, { name: 'a-client-with-a-name-that-was-given-by-a-generator-of-names', version: '2026.11.21-nightly+0123456789abcdef' })
    await client.call('the-server-with-the-longest-name-of-all-servers_echo', { message: 'x'.repeat(300) })
    for (const { path, name } of pages) {
      await go(path)
      assert.deepEqual(await tooWide(page), [], name)
      if (width === phone.width) await accessible(`${name} on a phone`)
    }
    const { key } = (await gateway.status()).backends[0]
    for (const target of ['broken', 'kit']) {
      await go(`backends?${new URLSearchParams({ backend: key, target })}`)
      await page.getByRole('button', { name: `Restart ${target}` }).waitFor()
      assert.deepEqual(await tooWide(page), [], `Backends with ${target} open`)
    }
  })
}

browserTest('every page can be reached over the menu of a phone', { config, window: { viewport: phone, hasTouch: true, isMobile: true } }, async ({ page, go, accessible }) => {
  await go()
  const menu = page.getByRole('button', { name: 'Menu' })
  const link = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true })
  assert.equal(await link('Backends').isVisible(), false)
  for (const { name, heading } of pages.slice(1)) {
    await menu.tap()
    assert.equal(await menu.getAttribute('aria-expanded'), 'true')
    await link(name).tap()
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await link(name).waitFor({ state: 'hidden' })
  }
  await menu.tap()
  await accessible('the menu of a phone')
})

browserTest('the playground, its dialogs and an opened call fit on a phone', { config, window: { viewport: phone } }, async ({ page, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  const fits = async (what) => assert.deepEqual(await tooWide(page), [], what)
  await fits('a connected playground')
  await playground.call('kit_test_echo')
  await playground.answers('Structured content')
  await fits('a result')
  await page.getByRole('tab', { name: 'Raw JSON' }).click()
  await fits('raw messages')
  await playground.call('kit_test_elicitation_sep1330_enums')
  await playground.question.getByRole('button', { name: 'Accept' }).waitFor()
  await fits('an elicitation')
  await accessible('an elicitation on a phone')
  await playground.question.getByRole('button', { name: 'Decline' }).click()
  await playground.call('kit_test_sampling', { prompt: 'x'.repeat(200) })
  await playground.question.getByLabel('Your answer').fill('y'.repeat(200))
  await fits('a sampling request')
  await playground.question.getByRole('button', { name: 'Answer' }).click()
  await playground.output.getByText(/LLM response/).waitFor()
  await page.getByRole('tab', { name: 'Messages' }).click()
  await fits('Messages')
  await go('activity')
  await page.locator('[data-call]').filter({ hasText: 'kit_test_sampling' }).first().click()
  await page.getByRole('region', { name: /^Call \d+$/ }).getByText(/xxx/).first().waitFor()
  await fits('an opened call')
  await go('backends')
  await page.getByRole('button', { name: 'Add a target' }).click()
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).waitFor()
  await fits('the form of a target')
})
