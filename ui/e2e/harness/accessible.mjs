import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const grave = ['serious', 'critical']

/**
 * What axe finds wrong with the page as it is shown now, in both themes. Run by the debugger and not as a script of the page, so that
 * the page's policy stays what it is.
 */
export async function checkAccessible(page, what) {
  await page.evaluate(`${await source}; undefined`)
  const found = []
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await settled(page)
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    for (const { impact, id, help, nodes } of violations) {
      if (!grave.includes(impact)) continue
      const places = nodes.slice(0, 5).map(({ target, failureSummary }) => `    ${target.join(' ')}\n      ${failureSummary.replaceAll('\n', '\n      ')}`)
      found.push(`  ${colorScheme}, ${impact}: ${id} (${help}), ${nodes.length} times\n${places.join('\n')}`)
    }
  }
  await page.emulateMedia({ colorScheme: null })
  if (found.length > 0) throw new Error(`axe finds violations on ${what}:\n${found.join('\n')}`)
}

/** Until nothing fades any more: half a transition has colours of neither theme, and the end of one may begin the next. */
const settled = (page) =>
  page.evaluate(async () => {
    const ending = () => document.getAnimations().filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
    do {
      await new Promise(requestAnimationFrame)
      await Promise.allSettled(ending().map(({ finished }) => finished))
    } while (ending().length > 0)
  })
