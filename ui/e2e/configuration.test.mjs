import assert from 'node:assert/strict'
import { builtin } from './harness/configs.mjs'
import { editor, line, replaceWord, typeAfter } from './harness/editor.mjs'
import { browserTest } from './harness/test.mjs'
import { until } from './harness/until.mjs'

/** Whatever a careless rewrite would lose: comments, blank lines, quotes, odd spacing, an anchor, no line break at the end. */
const config = [
  '# what this gateway serves: ½ of everything',
  'config:   {adminAddr: "127.0.0.1:0", logging: {level: \'info\'}}',
  '',
  'mcp:   # the short form',
  '    port: 0   ',
  '    targets:',
  '    - name: "time"      # when',
  `      stdio: &server ${JSON.stringify(builtin('time').stdio)}`,
  '',
  '    # the same again',
  '    - {name: clock, stdio: *server}',
  '#\tthe end',
].join('\n')

const saved = (page) => page.getByRole('status').getByText('Saved and in force.')

browserTest('a change is looked at before it is saved, and nothing else in the file changes', { config }, async ({ page, gateway, go, accessible }) => {
  await go('configuration')
  await page.getByText('No faults').waitFor()
  await line(page, 'the end').waitFor()
  await accessible('Configuration')
  await replaceWord(page, 'logging', 'info', 'debug')
  await page.getByText('Unsaved changes', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Review changes' }).click()
  const review = page.getByRole('dialog', { name: 'Review changes' })
  await review.getByRole('deletion').getByText("level: 'info'").waitFor()
  await review.getByRole('insertion').getByText("level: 'debug'").waitFor()
  await review.getByText('1 line added, 1 removed').waitFor()
  await accessible('the review of changes')
  assert.equal(await gateway.read(), config)
  await review.getByRole('button', { name: 'Save' }).click()
  await saved(page).waitFor()
  await review.waitFor({ state: 'hidden' })
  assert.equal(await gateway.read(), config.replace("'info'", "'debug'"))
  assert.equal((await gateway.status()).logLevel, 'debug')
})

browserTest('Ctrl+S saves from within the editor and from without', { config }, async ({ page, gateway, go }) => {
  await go('configuration')
  await typeAfter(page, 'the same again', ', for those who ask twice')
  await page.keyboard.press('Control+s')
  await saved(page).waitFor()
  const once = config.replace('the same again', 'the same again, for those who ask twice')
  assert.equal(await gateway.read(), once)
  await typeAfter(page, 'the short form', ' of it')
  await page.getByRole('button', { name: 'Check' }).focus()
  await page.keyboard.press('Control+s')
  await until(async () => (await gateway.read()) === once.replace('the short form', 'the short form of it'), 'the second save')
})

const elsewhere = config.replaceAll('\n', '\r\n')

browserTest('line breaks of another system stay as they are', { config: elsewhere }, async ({ page, gateway, go }) => {
  await go('configuration')
  await replaceWord(page, 'logging', 'info', 'debug')
  await page.keyboard.press('Control+s')
  await saved(page).waitFor()
  assert.equal(await gateway.read(), elsewhere.replace("'info'", "'debug'"))
})

browserTest('a text with faults is marked, explained and not saved', { config }, async ({ page, gateway, go, watch, accessible }) => {
  watch.allow(/422/)
  await go('configuration')
  await replaceWord(page, 'the short form', 'mcp', 'mpc')
  const panel = page.getByRole('region', { name: 'Configuration file' })
  await panel.getByText(/unknown key mpc/i).first().waitFor()
  await panel.getByRole('button', { name: /^Line 4, column 1/ }).waitFor()
  await accessible('Configuration with a fault in the editor')
  await editor(page).focus()
  await page.keyboard.press('Control+s')
  await page.getByText('Not saved: the text has faults.').waitFor()
  assert.equal(await gateway.read(), config)
  await replaceWord(page, 'the short form', 'mpc', 'mcp')
  await page.getByText('No faults').waitFor()
  await page.getByText('Unsaved changes', { exact: true }).waitFor({ state: 'hidden' })
})

const theirs = config.replace('the end', 'the end, says somebody else')

browserTest('a save is refused when the file has changed a moment before; mine can be kept', { config }, async ({ page, gateway, go, watch, accessible }) => {
  watch.allow(/409/)
  await go('configuration')
  await typeAfter(page, 'the same again', ', says me')
  // The page also reads the file now and then: what counts is the first time that it saves it.
  let saves = 0
  await page.route('**/api/config', async (route) => {
    if (route.request().method() === 'PUT' && saves++ === 0) await gateway.write(theirs)
    await route.continue()
  })
  await page.keyboard.press('Control+s')
  await page.getByText('Not saved: the file was changed by someone else.').waitFor()
  const conflict = page.getByRole('region', { name: 'Configuration file' })
  await conflict.getByText('The file was changed by someone else while you were editing').waitFor()
  await conflict.getByText('From their file to your text').click()
  await conflict.getByRole('insertion').getByText('the same again, says me').waitFor()
  await accessible('Configuration with a conflict')
  assert.equal(await gateway.read(), theirs)
  await line(page, 'the same again, says me').waitFor()
  await conflict.getByRole('button', { name: 'Keep mine' }).click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await saved(page).waitFor()
  assert.equal(await gateway.read(), config.replace('the same again', 'the same again, says me'))
})

browserTest('a file that changes under unsaved changes takes nothing away; theirs can be loaded', { config }, async ({ page, gateway, go, accessible }) => {
  await go('configuration')
  await typeAfter(page, 'the same again', ', says me')
  await gateway.write(theirs)
  await page.getByRole('button', { name: 'Load theirs' }).click()
  const asks = page.getByRole('dialog', { name: 'Load their file?' })
  await accessible('the question whether to load their file')
  await line(page, 'the same again, says me').waitFor()
  await asks.getByRole('button', { name: 'Discard mine and load theirs' }).click()
  await line(page, 'says somebody else').waitFor()
  assert.equal(await line(page, 'says me').count(), 0)
  await page.getByText('Unsaved changes', { exact: true }).waitFor({ state: 'hidden' })
  assert.equal(await gateway.read(), theirs)
})

browserTest('a file that changes on disk is shown anew when nothing was typed', { config }, async ({ page, gateway, go }) => {
  await go('configuration')
  await line(page, 'the end').waitFor()
  await gateway.write(theirs)
  await line(page, 'says somebody else').waitFor()
  await page.getByText('The file changed on disk, and this is its new text').waitFor()
})

browserTest('unsaved changes are not left behind without a question', { config }, async ({ page, go }) => {
  await go('configuration')
  await typeAfter(page, 'the same again', ', says me')
  const asked = []
  let leave = false
  page.on('dialog', async (dialog) => {
    asked.push(dialog.type())
    await (leave ? dialog.accept() : dialog.dismiss())
  })
  await page.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click()
  assert.deepEqual(asked, ['confirm'])
  await line(page, 'the same again, says me').waitFor()
  await page.close({ runBeforeUnload: true })
  await until(() => asked.length === 2, 'the question before the window closes')
  assert.deepEqual(asked, ['confirm', 'beforeunload'])
  await line(page, 'the same again, says me').waitFor()
  leave = true
  await page.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  assert.deepEqual(asked, ['confirm', 'beforeunload', 'confirm'])
})

browserTest('keys are completed, and explained where they are', { config }, async ({ page, go, accessible }) => {
  await go('configuration')
  // Below a key with a comment, which is no reason to begin at another column.
  await typeAfter(page, 'port: 0', '\nprefix')
  const options = page.getByRole('listbox')
  await options.getByRole('option', { name: /prefixMode/ }).waitFor()
  await accessible('Configuration with completion open')
  await editor(page).focus()
  await page.keyboard.press('Enter')
  await line(page, /^ {4}prefixMode:/).waitFor()
})

browserTest('the configuration in force is there in full, with its defaults', { config }, async ({ page, go, accessible }) => {
  await go('configuration')
  await page.getByRole('tab', { name: 'In force' }).click()
  const text = await page.getByRole('tabpanel').locator('pre, code').first().innerText()
  assert.match(text, /"prefixMode": "conditional"/)
  assert.match(text, /"name": "clock"/)
  await accessible('the configuration in force')
  await page.reload()
  await page.getByRole('tab', { name: 'In force', selected: true }).waitFor()
})

browserTest('keys that wait for the next start are named before and after the save', { config }, async ({ page, go }) => {
  await go('configuration')
  await replaceWord(page, 'adminAddr', '127.0.0.1:0', 'off')
  await page.getByRole('button', { name: 'Review changes' }).click()
  const review = page.getByRole('dialog', { name: 'Review changes' })
  await review.getByText(/Restart the gateway for config\.adminAddr/).waitFor()
  await review.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Some saved changes take effect only at the next start').waitFor()
  await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: 'Changes wait for a restart of the gateway' }).waitFor()
})

const long = config.replace('# the same again', `# ${'a long line '.repeat(40)}`)

browserTest('line numbers stay readable beside lines that are scrolled sideways', { config: long }, async ({ page, go }) => {
  await go('configuration')
  await line(page, 'the end').waitFor()
  const gutter = page.locator('.cm-gutters')
  assert.match(await gutter.evaluate((element) => getComputedStyle(element).backgroundColor), /^rgb\(/, 'nothing shines through')
  await line(page, 'a long line').click({ position: { x: 5, y: 5 } })
  await page.keyboard.press('End')
  assert.ok((await page.locator('.cm-scroller').evaluate((element) => element.scrollLeft)) > 0)
  assert.ok(await gutter.isVisible())
  const { x } = await page.locator('.cm-scroller').boundingBox()
  assert.ok((await gutter.boundingBox()).x - x < 5)
})
