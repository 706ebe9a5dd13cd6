import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { launch, open } from './browser.mjs'
import { checkAccessible } from './accessible.mjs'
import { start } from './program.mjs'
import { Watch } from './watch.mjs'

/** None takes a tenth of this on a machine that does nothing else. */
const PATIENCE_MS = 120_000

let browser
before(async () => (browser = await launch()))
after(() => browser?.close())

/**
 * A test with a gateway and a window of its own.
 *
 * @param {string} name the behaviour
 * @param {{config: string | ((folder: string) => string), inline?: boolean, window?: object, skip?: string}} given `window` are options of a browser context
 * @param {(here: Here) => Promise<void>} body
 *
 * @typedef {object} Here
 * @property {import('./program.mjs').Gateway} gateway
 * @property {import('playwright-core').Page} page
 * @property {Watch} watch
 * @property {(path?: string) => Promise<void>} go to a path below `/ui/`, until its heading is there
 * @property {(what: string) => Promise<void>} accessible fails if axe objects to what is shown, in light or dark
 */
export function browserTest(name, { config, inline, window, skip }, body) {
  test(name, { timeout: PATIENCE_MS, skip }, async () => {
    const gateway = await start(config, { inline })
    const context = await open(browser, gateway, window)
    const watch = new Watch(context, () => gateway.origins())
    try {
      const page = await context.newPage()
      const go = async (path = '') => {
        await page.goto(path)
        await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
      }
      await body({ gateway, page, watch, go, accessible: (what) => checkAccessible(page, what) })
      watch.verdict()
    } catch (error) {
      if (error instanceof Error) error.message += await circumstances(name, { gateway, context, watch })
      throw error
    } finally {
      await context.close()
      await gateway.stop()
    }
  })
}

/** Of the text of a page: its end is what was worked with. */
const MOST = 2500

/** What somebody wants to know who was not there. `E2E_PICTURES` names a folder for pictures of what was shown. */
async function circumstances(name, { gateway, context, watch }) {
  const shown = await Promise.all(
    context.pages().map(async (page, index) => {
      const folder = process.env.E2E_PICTURES
      if (folder) await page.screenshot({ path: join(folder, `${name.replaceAll(/\W+/g, '-')}-${index}.png`) }).catch(() => {})
      const text = await page.locator('body').innerText({ timeout: 1000 }).catch(String)
      return text.replaceAll(/\n\s*\n/g, '\n').slice(-MOST)
    }),
  )
  const parts = { 'Noted:': watch.problems(), 'Shown:': shown, 'The log of the gateway:': [gateway.log] }
  return Object.entries(parts).map(([title, lines]) => `\n\n${title}\n${lines.join('\n')}`).join('')
}
