import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connect } from './harness/client.mjs'
import { builtin, kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const run = promisify(execFile)
const config = serving([builtin('time'), builtin('everything'), kit('both')])

const rows = (page) => page.getByRole('grid', { name: 'Recent calls' }).locator('[data-call]')

browserTest('calls are there as they end, are found by filters and opened', { config }, async ({ page, gateway, go, accessible }) => {
  await go('activity')
  await page.getByText('No calls yet').waitFor()
  await accessible('Activity without calls')
  const client = await connect(gateway, { name: 'night-shift', version: '2.1' })
  await client.call('everything_echo', { message: 'good evening' })
  await rows(page).filter({ hasText: 'everything_echo' }).waitFor()
  await client.call('time_get_current_time', { timezone: 'Nowhere/Else' })
  await client.call('kit_test_error_handling', {})
  await client.call('kit_no_such_tool', {})
  const other = await connect(gateway, { name: 'day-shift', version: '1' })
  await other.call('kit_greet', { name: 'Ada' })
  await rows(page).nth(4).waitFor()
  assert.match(await rows(page).first().innerText(), /kit_greet/)
  await accessible('Activity')

  const left = async (count) => {
    await rows(page).nth(count).waitFor({ state: 'detached' })
    return rows(page).allInnerTexts()
  }
  await page.getByRole('searchbox', { name: 'Search calls' }).fill('echo')
  assert.match((await left(1))[0], /everything_echo/)
  await page.getByRole('button', { name: 'Clear', exact: true }).click()
  await rows(page).nth(4).waitFor()
  await page.getByRole('combobox', { name: 'Client' }).selectOption('day-shift')
  assert.match((await left(1))[0], /kit_greet/)
  await page.getByRole('combobox', { name: 'Client' }).selectOption('')
  await page.getByRole('combobox', { name: 'Target' }).selectOption('kit')
  await page.getByRole('combobox', { name: 'Outcome' }).selectOption({ label: 'Tool error' })
  assert.match((await left(1))[0], /kit_test_error_handling/)

  // What was looked for, and what is opened, is still there after a reload.
  await rows(page).first().click()
  const panel = page.getByRole('region', { name: /^Call \d+$/ })
  await panel.getByText(/This tool intentionally returns an error/).first().waitFor()
  await accessible('an opened call')
  await page.reload()
  await panel.getByText(/This tool intentionally returns an error/).first().waitFor()
  assert.match((await left(1))[0], /kit_test_error_handling/)
})

browserTest('the list is used by keyboard', { config }, async ({ page, gateway, go }) => {
  const client = await connect(gateway, { name: 'night-shift', version: '2.1' })
  for (const message of ['one', 'two', 'three']) await client.call('everything_echo', { message })
  await go('activity')
  await rows(page).nth(2).waitFor()
  await rows(page).first().focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  const panel = page.getByRole('region', { name: /^Call \d+$/ })
  await panel.getByText(/"two"/).first().waitFor()
  assert.ok(await panel.evaluate((element) => element.contains(document.activeElement)))
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  assert.ok(await rows(page).nth(1).evaluate((element) => element === document.activeElement))
})

browserTest('the list stands still while it is paused', { config }, async ({ page, gateway, go }) => {
  const client = await connect(gateway, { name: 'night-shift', version: '2.1' })
  await client.call('everything_echo', { message: 'one' })
  await go('activity')
  await rows(page).first().waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await client.call('everything_echo', { message: 'two' })
  await page.getByText('1 new call waiting').waitFor()
  assert.equal(await rows(page).count(), 1)
  await page.getByRole('button', { name: 'Resume' }).click()
  await rows(page).nth(1).waitFor()
})

browserTest('a call is made again in the playground, with its arguments', { config }, async ({ page, gateway, go }) => {
  const client = await connect(gateway, { name: 'night-shift', version: '2.1' })
  await client.call('time_get_current_time', { timezone: 'Asia/Kathmandu' })
  await go('activity')
  await rows(page).first().click()
  await page.getByRole('button', { name: 'Open in playground' }).click()
  const playground = new Playground(page)
  await page.getByRole('heading', { name: 'time_get_current_time', exact: true }).waitFor()
  assert.equal(await playground.argument('timezone').inputValue(), 'Asia/Kathmandu')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await playground.answers(/\+05:45/)
  assert.ok(!new URL(page.url()).searchParams.has('replay'))
})

/** Hard to quote, for shells and for headers. */
const awkward = `it's $HOME "and" \\ \`more\` ½ 🦀`

for (const era of ['legacy', 'modern']) {
  browserTest(`a copied curl command makes the same call again, in the ${era} era`, { config }, async ({ page, gateway, go }) => {
    await go('playground')
    const playground = new Playground(page)
    await playground.connect(era)
    await playground.call('everything_echo', { message: awkward })
    await playground.answers(awkward)
    // Its arguments have to be in headers, too.
    await playground.call('kit_test_x_mcp_header', { region: 'Nord ½' })
    await playground.answers(/Nord ½/)
    await page.getByRole('tab', { name: /^Prompts/ }).click()
    await playground.available.getByRole('button', { name: 'kit_test_simple_prompt' }).click()
    await page.getByRole('button', { name: 'Get prompt' }).click()
    await playground.answers('This is a simple prompt for testing.')
    await page.getByRole('tab', { name: /^Resources/ }).click()
    await playground.available.getByRole('button', { name: /Static text/ }).click()
    await page.getByRole('button', { name: 'Read', exact: true }).click()
    await playground.answers('This is the content of the static text resource.')

    await page.getByRole('navigation').getByRole('link', { name: 'Activity' }).click()
    for (const [item, words] of [
      ['everything_echo', awkward],
      ['kit_test_x_mcp_header', 'Nord ½'],
      ['kit_test_simple_prompt', 'This is a simple prompt for testing.'],
      ['test://static-text', 'This is the content of the static text resource.'],
    ]) {
      await rows(page).filter({ hasText: item }).first().click()
      const panel = page.getByRole('region', { name: /^Call \d+$/ })
      await panel.getByRole('heading', { name: item }).waitFor()
      await panel.getByRole('button', { name: 'Copy as curl' }).click()
      await panel.getByRole('button', { name: 'Copied' }).waitFor()
      const command = await page.evaluate(() => navigator.clipboard.readText())
      const { stdout } = await run('bash', ['-euc', command])
      assert.ok(answerOf(stdout).includes(words), `${command}\n\n${stdout}`)
    }
    // Each was made twice: once here, and once by the command.
    assert.deepEqual((await gateway.get('/api/calls')).calls.map(({ outcome }) => outcome), Array(8).fill('ok'))
  })
}

/** What the result says, be it JSON or an event of it. */
function answerOf(text) {
  const json = text.match(/\{"jsonrpc".*"id":.*\}/)?.[0]
  assert.ok(json, text)
  const { result } = JSON.parse(json)
  const parts = result.content ?? result.contents ?? result.messages.map(({ content }) => content)
  return parts.map(({ text }) => text).join()
}
