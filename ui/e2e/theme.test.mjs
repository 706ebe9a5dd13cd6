import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { browserTest } from './harness/test.mjs'
import { until } from './harness/until.mjs'

const config = serving([builtin('time')])

/** Of black to white, 0 to 255. */
const brightness = (page) =>
  page.evaluate(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d')
    canvas.fillStyle = getComputedStyle(document.documentElement).backgroundColor
    canvas.fillRect(0, 0, 1, 1)
    return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3))
  })

const light = (page) => until(async () => (await brightness(page)) > 200, 'a light page')
const dark = (page) => until(async () => (await brightness(page)) < 60, 'a dark page')

browserTest('the theme is the system’s until one is chosen, and the choice outlives the page', { config, window: { colorScheme: 'dark' } }, async ({ page, go }) => {
  await go()
  await dark(page)
  await page.emulateMedia({ colorScheme: 'light' })
  await light(page)
  const theme = page.getByRole('button', { name: /^Theme:/ })
  await theme.click()
  assert.match(await theme.getAttribute('aria-label'), /^Theme: light\./)
  await page.emulateMedia({ colorScheme: 'dark' })
  await light(page)
  await theme.click()
  await dark(page)
  await page.emulateMedia({ colorScheme: 'light' })
  await go('backends')
  await dark(page)
  assert.match(await theme.getAttribute('aria-label'), /^Theme: dark\./)
  await theme.click()
  await light(page)
})

browserTest('the theme that was chosen is there before the script of the page is', { config, window: { colorScheme: 'light' } }, async ({ page, go }) => {
  await go()
  await page.getByRole('button', { name: /^Theme:/ }).click()
  await page.getByRole('button', { name: /^Theme: light\./ }).click()
  await dark(page)
  // What is painted meanwhile would flash on every load.
  let arrive
  const arrived = new Promise((resolve) => (arrive = resolve))
  await page.route('**/ui/app.js', async (route) => {
    await arrived
    await route.fallback()
  })
  await page.goto('', { waitUntil: 'commit' })
  await page.waitForFunction(() => document.readyState === 'interactive')
  await dark(page).finally(arrive)
})
