import assert from 'node:assert/strict'
import { builtin, kit, serving } from './harness/configs.mjs'
import { tabTo } from './harness/keyboard.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'
import { until } from './harness/until.mjs'

const config = serving([builtin('time'), builtin('everything'), kit('both')])

browserTest('a reload keeps the route, the era, the tool and the connection', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('modern')
  await playground.choose('time_get_current_time')
  await page.reload()
  await playground.routes.getByText('connected', { exact: true }).waitFor()
  await page.getByRole('heading', { name: 'time_get_current_time', exact: true }).waitFor()
  assert.ok(await playground.routes.getByRole('radio', { name: /^Modern/ }).isChecked())
  assert.equal(await playground.tool.inputValue(), 'time_get_current_time')
})

// The driver, which then stands between page and gateway, forgets what a page sends last.
const skip = process.env.UI_DIR && 'the UI is served from elsewhere'

for (const [how, leave] of [
  ['by the navigation', (page) => page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()],
  ['with Disconnect', (page) => page.getByRole('button', { name: 'Disconnect' }).click()],
  ['by another address', (page) => page.goto('about:blank')],
  ['with its tab', (page) => page.close()],
]) {
  browserTest(`a session ends when the playground is left ${how}`, { config, skip }, async ({ page, gateway, go }) => {
    await go('playground')
    await new Playground(page).connect('legacy')
    const sessions = async () => (await gateway.get('/api/sessions')).sessions.length
    assert.equal(await sessions(), 1)
    await leave(page)
    await until(async () => (await sessions()) === 0, 'the session to end')
  })
}

browserTest('a session that is over is said to be over, and can be begun anew', { config }, async ({ page, gateway, go, watch }) => {
  watch.allow(/404/)
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  const [{ id }] = (await gateway.get('/api/sessions')).sessions
  await fetch(`${gateway.admin}/api/sessions/${id}`, { method: 'DELETE' })
  await playground.choose('time_get_current_time')
  await playground.fill({ timezone: 'Asia/Tokyo' })
  await page.getByRole('button', { name: 'Call tool' }).click()
  await page.getByText(/session is over|session was ended|Connect to begin a new one/i).first().waitFor()
  await page.getByRole('button', { name: /^(Connect|Initialize|Try again)$/ }).first().click()
  await playground.routes.getByText('connected', { exact: true }).waitFor()
  await playground.call('time_get_current_time', { timezone: 'Asia/Tokyo' })
  await playground.answers(/\+09:00/)
})

browserTest('arguments can be given as JSON, in step with the form', { config }, async ({ page, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.choose('time_convert_time')
  await playground.fill({ source_timezone: 'Europe/Berlin' })
  await page.getByRole('textbox', { name: 'time', exact: true }).fill('09:30')
  await page.getByText('JSON', { exact: true }).click()
  const json = page.getByRole('textbox', { name: 'Arguments as JSON' })
  await json.locator('.cm-line').first().waitFor()
  assert.deepEqual(JSON.parse(await json.innerText()), { source_timezone: 'Europe/Berlin', time: '09:30' })
  await accessible('arguments as JSON')
  await json.focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText('{"source_timezone": "Europe/Berlin", "time": "10:00", "target_timezone": "Asia/Tokyo"}')
  await page.getByText('Form', { exact: true }).click()
  assert.equal(await playground.argument('target_timezone').inputValue(), 'Asia/Tokyo')
  assert.equal(await page.getByRole('textbox', { name: 'time', exact: true }).inputValue(), '10:00')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await playground.answers(/1[78]:00/)
})

browserTest('what is missing is marked before the call, and a person may insist', { config }, async ({ page, gateway, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.choose('time_get_current_time')
  await page.getByRole('button', { name: 'Run tool' }).click()
  assert.equal(await playground.argument('timezone').getAttribute('aria-invalid'), 'true')
  await accessible('a form with a missing argument')
  assert.equal((await gateway.get('/api/calls')).calls.filter(({ method }) => method === 'tools/call').length, 0)
  await page.getByRole('button', { name: 'Call anyway' }).click()
  await playground.result.getByText(/^(Tool error|Error -?\d+)$/).first().waitFor()
})

browserTest('tools are found by words of their names and descriptions', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.available.getByRole('searchbox').fill('convert timezones')
  await playground.available.getByRole('listitem').nth(1).waitFor({ state: 'detached' })
  assert.match(await playground.available.getByRole('listitem').innerText(), /time_convert_time/)
  await playground.available.getByRole('searchbox').fill('no such thing')
  await playground.available.getByText('Nothing matches').waitFor()
})

browserTest('a tool is chosen, filled in and called by keyboard alone', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  await tabTo(page, 'Connect')
  await page.keyboard.press('Enter')
  await playground.available.getByRole('listitem').first().waitFor()
  await tabTo(page, /^time_get_current_time/)
  await page.keyboard.press('Enter')
  await tabTo(page, /^timezone/)
  await page.keyboard.type('Asia/Tokyo')
  await page.keyboard.press('Control+Enter')
  await playground.answers(/\+09:00/)
  await tabTo(page, 'Tool output')
  await page.keyboard.press('ArrowRight')
  await playground.result.getByText(/"method": "tools\/call"/).waitFor()
})

browserTest('a question is answered by keyboard alone', { config }, async ({ page, go }) => {
  await go('playground?item=kit_test_elicitation')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.fill({ message: 'Who are you?' })
  await page.keyboard.press('Control+Enter')
  await playground.question.getByText(/Who are you\?/).waitFor()
  await tabTo(page, /^username/)
  await page.keyboard.type('ada')
  await tabTo(page, /^email/)
  await page.keyboard.type('ada@example.com')
  await tabTo(page, 'Accept')
  await page.keyboard.press('Space')
  await playground.output.getByText(/action=accept/).waitFor()
})
