import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'

/** Besides those of the driver, which also gives each browser a fresh profile. They keep it from calling home. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where the UI comes from, if not out of the program. */
const folder = process.env.UI_DIR

/** What comes out of a folder comes from no address, so that the browser would take the gateway for somebody else's machine. */
const folderFlags = ['--disable-features=LocalNetworkAccessChecks']

export function launch() {
  const args = folder ? [...flags, ...folderFlags] : flags
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })
}

export const laptop = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

/** A window of its own, with nothing remembered. */
export async function open(browser, gateway, options = {}) {
  const context = await browser.newContext({
    baseURL: `${gateway.admin}/ui/`,
    viewport: laptop,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  })
  context.setDefaultTimeout(10_000)
  if (folder) await serveFrom(folder, context, gateway)
  return context
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/**
 * A UI that was just built in place of the one in the program, which therefore need not be built again. Everything else is the
 * program's, its headers too.
 */
async function serveFrom(folder, context, gateway) {
  await context.route(`${gateway.admin}/ui/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice('/ui/'.length)
    const file = join(folder, path !== '' && existsSync(join(folder, path)) ? path : 'index.html')
    try {
      const response = await fetch(`${gateway.admin}/ui/`)
      const { etag, 'content-length': length, ...headers } = Object.fromEntries(response.headers)
      const own = { 'cache-control': 'no-store', 'content-type': types[extname(file)] }
      await route.fulfill({ status: 200, headers: { ...headers, ...own }, body: await readFile(file) })
    } catch {
      // The program is gone, or the window is.
      await route.abort('connectionrefused').catch(() => {})
    }
  })
}
