import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { connect } from './harness/client.mjs'
import { tabTo } from './harness/keyboard.mjs'
import { pages } from './harness/pages.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([builtin('time'), builtin('everything')])

browserTest('navigation is reached and used by keyboard, and the page takes the focus', { config }, async ({ page, go }) => {
  await go()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.innerText), 'Skip to content')
  for (const { name, heading } of pages.slice(1)) {
    await go()
    const { ring } = await tabTo(page, name)
    assert.ok(ring, `the focus on ${name} can be seen`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    // Else the next Tab would begin at the start of the page, and nobody hears that there is a new one.
    await page.waitForFunction(() => document.activeElement?.closest('main') !== null)
  }
})

browserTest('the skip link leads past the navigation', { config }, async ({ page, go }) => {
  await go('sessions')
  await page.getByText('No client has a session').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement?.tagName === 'MAIN')
  await page.keyboard.press('Tab')
  assert.ok(await page.evaluate(() => document.activeElement.closest('main') !== null))
})

browserTest('a dialog keeps the focus, closes with Escape and gives it back', { config }, async ({ page, gateway, go }) => {
  await connect(gateway, { name: 'night-shift', version: '1' })
  await go('sessions')
  await page.getByRole('row', { name: /night-shift/ }).waitFor()
  await tabTo(page, 'End the session of night-shift')
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'End the session of night-shift?' })
  await dialog.waitFor()
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press('Tab')
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null))
  }
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'End the session of night-shift')
  await page.keyboard.press('Enter')
  await tabTo(page, 'End session')
  await page.keyboard.press('Space')
  await page.getByText('No client has a session').waitFor()
})

browserTest('a target opens by keyboard, and its items by arrow keys', { config }, async ({ page, go }) => {
  await go('backends')
  await tabTo(page, /^everything/)
  await page.keyboard.press('Enter')
  const tools = page.getByRole('tab', { name: /^Tools/, selected: true })
  await tools.waitFor()
  await tabTo(page, /^Tools/)
  await page.keyboard.press('ArrowRight')
  await page.getByRole('tab', { name: /^Prompts/, selected: true }).waitFor()
})
