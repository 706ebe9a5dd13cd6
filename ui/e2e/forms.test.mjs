import assert from 'node:assert/strict'
import { kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([kit('both')])

/** What the echo of the fixture says that it got. */
const received = async ({ output }) => JSON.parse(await output.locator('pre').first().innerText()).arguments

browserTest('a form follows the schema: references, choices, what is left empty', { config }, async ({ page, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.choose('json_schema_2020_12_tool')
  await playground.argument('name').fill('Ada')
  await page.getByRole('combobox', { name: 'contactMethod' }).selectOption('email')
  await playground.argument('email').fill('ada@example.com')
  // An optional object comes when it is wanted, and goes again.
  await page.getByRole('button', { name: 'Add address' }).click()
  await playground.argument('street').fill('Main Street 1')
  await accessible('a form with a nested object')
  await page.getByRole('button', { name: 'Remove address' }).click()
  await page.getByRole('button', { name: 'Add address' }).click()
  assert.equal(await playground.argument('street').inputValue(), '')
  await playground.argument('street').fill('Main Street 1')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await playground.answers('Structured content')
  assert.deepEqual(await received(playground), { name: 'Ada', contactMethod: 'email', email: 'ada@example.com', address: { street: 'Main Street 1' } })
})

browserTest('numbers and flags are sent as such, and what is no number is told', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.choose('test_x_mcp_header')
  await playground.argument('region').fill('north')
  await playground.argument('limit').fill('12')
  await playground.argument('dry').selectOption('true')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await playground.answers('Structured content')
  assert.deepEqual(await received(playground), { region: 'north', limit: 12, dry: true })
  await playground.argument('limit').fill('1.5')
  await page.getByRole('button', { name: 'Call tool' }).click()
  await page.getByRole('alert').getByText(/1 argument needs attention/).waitFor()
})

browserTest('a tool that takes nothing asks for nothing', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.choose('test_simple_text')
  await page.getByText('This tool takes no arguments.').waitFor()
  await page.getByRole('button', { name: 'Run tool' }).click()
  await playground.answers('This is a simple text response for testing.')
})
