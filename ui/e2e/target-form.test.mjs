import assert from 'node:assert/strict'
import { builtin } from './harness/configs.mjs'
import { editor, line, typeAfter } from './harness/editor.mjs'
import { agentgateway } from './harness/program.mjs'
import { browserTest } from './harness/test.mjs'

const config = [
  'config: {adminAddr: "127.0.0.1:0"}',
  '# everybody may use these',
  'mcp:',
  '  port: 0',
  '  targets:',
  '  # the time, everywhere',
  '  - name: time   # and dates',
  `    stdio: ${JSON.stringify(builtin('time').stdio)}`,
  '# the end',
  '',
].join('\n')

const two = config.replace('# the end', `  - name: everything\n    stdio: ${JSON.stringify(builtin('everything').stdio)}\n# the end`)

/** `text` without the lines that `other` does not have, in the order they are in. */
const common = (text, other) => text.split('\n').filter((each) => other.split('\n').includes(each)).join('\n')

browserTest('a target is added by form: fields, the change to the file, the file, the target', { config }, async ({ page, gateway, go, accessible }) => {
  await go('backends')
  await page.getByRole('button', { name: 'Add a target' }).click()
  const dialog = page.getByRole('dialog', { name: /^Add a target/ })
  await accessible('the form of a target')
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  assert.equal(await dialog.getByRole('textbox', { name: 'Name' }).getAttribute('aria-invalid'), 'true')
  await dialog.getByRole('textbox', { name: 'Name' }).fill('every_thing')
  await dialog.getByRole('textbox', { name: 'Command' }).fill(`${agentgateway} builtin everything`)
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  assert.equal(await dialog.getByRole('textbox', { name: 'Name' }).getAttribute('aria-invalid'), 'true')
  await dialog.getByRole('textbox', { name: 'Name' }).fill('everything')
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  await dialog.getByRole('insertion').getByText('name: everything').waitFor()
  await accessible('the change that adds a target')
  assert.equal(await gateway.read(), config)
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').getByText(/Target everything is added\. The new configuration is in force\./).waitFor()
  await page.getByRole('button', { name: /^everything.*Ready/s }).waitFor()
  await page.getByRole('heading', { name: 'MCP: time, everything' }).waitFor()
  assert.equal(common(await gateway.read(), config), config)
})

browserTest('a target is changed by form; what the form does not touch stays', { config: two }, async ({ page, gateway, go }) => {
  await go('backends')
  await page.getByRole('button', { name: /^everything/ }).click()
  await page.getByRole('button', { name: 'Edit everything' }).click()
  const dialog = page.getByRole('dialog', { name: 'Edit target everything' })
  await dialog.getByRole('textbox', { name: 'Command' }).waitFor()
  assert.equal(await dialog.getByRole('textbox', { name: 'Command' }).inputValue(), `${agentgateway} builtin everything`)
  await dialog.getByRole('textbox', { name: 'Name' }).fill('the-rest')
  await dialog.getByRole('button', { name: 'Add a variable' }).click()
  await dialog.getByRole('textbox', { name: 'Name of variable 1' }).fill('GREETING')
  await dialog.getByRole('textbox', { name: 'Value of variable 1' }).fill('good morning: $HOME')
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  await dialog.getByRole('insertion').getByText('the-rest').waitFor()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').getByText(/Target the-rest is changed/).waitFor()
  await page.getByRole('button', { name: /^the-rest.*Ready/s }).waitFor()
  const target = await gateway.get(`/api/config/target?${new URLSearchParams({ backend: (await gateway.status()).backends[0].key, name: 'the-rest' })}`)
  assert.deepEqual(target.stdio.env, { GREETING: 'good morning: $HOME' })
  const text = await gateway.read()
  assert.ok(text.startsWith(config.slice(0, config.indexOf('# the end'))), text)
  assert.ok(text.endsWith('# the end\n'), text)
})

browserTest('a target is removed after a look at the change, but never the last one', { config: two }, async ({ page, gateway, go, watch, accessible }) => {
  watch.allow(/422/)
  await go('backends')
  await page.getByRole('button', { name: /^everything/ }).click()
  await page.getByRole('button', { name: 'Remove everything' }).click()
  const dialog = page.getByRole('dialog', { name: 'Remove target everything?' })
  await dialog.getByRole('deletion').getByText('name: everything').waitFor()
  await accessible('the question whether to remove a target')
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('status').getByText(/Target everything is removed/).waitFor()
  await page.getByRole('button', { name: /^everything/ }).waitFor({ state: 'detached' })
  assert.equal(await gateway.read(), config)

  await page.getByRole('button', { name: /^time/ }).click()
  await page.getByRole('button', { name: 'Remove time' }).click()
  const last = page.getByRole('dialog', { name: 'Remove target time?' })
  await last.getByText('This was not done').waitFor()
  assert.ok(await last.getByRole('button', { name: 'Remove', exact: true }).isDisabled())
  assert.equal(await gateway.read(), config)
})

browserTest('an edit by form is made again when the file has changed meanwhile', { config }, async ({ page, gateway, go, watch }) => {
  watch.allow(/409/)
  await go('backends')
  await page.getByRole('button', { name: 'Add a target' }).click()
  const dialog = page.getByRole('dialog', { name: /^Add a target/ })
  await dialog.getByRole('textbox', { name: 'Name' }).fill('everything')
  await dialog.getByRole('textbox', { name: 'Command' }).fill(`${agentgateway} builtin everything`)
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  await dialog.getByRole('insertion').first().waitFor()
  await gateway.write(config.replace('the end', 'somebody else was here'))
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Make the edit again' }).click()
  await dialog.getByText('somebody else was here').waitFor()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').getByText(/Target everything is added/).waitFor()
  assert.match(await gateway.read(), /somebody else was here/)
  assert.match(await gateway.read(), /name: everything/)
})

browserTest('the page of the configuration has the same forms, for a text that is not saved yet, too', { config }, async ({ page, gateway, go }) => {
  await go('configuration')
  await typeAfter(page, 'everybody may use these', ', some day')
  await page.getByRole('button', { name: 'Add target' }).click()
  const dialog = page.getByRole('dialog', { name: /^Add a target/ })
  await dialog.getByRole('textbox', { name: 'Name' }).fill('everything')
  await dialog.getByRole('textbox', { name: 'Command' }).fill(`${agentgateway} builtin everything`)
  await dialog.getByRole('button', { name: 'Review the change' }).click()
  await dialog.getByRole('button', { name: 'Put into the text' }).click()
  await line(page, 'name: everything').waitFor()
  assert.equal(await gateway.read(), config)
  await editor(page).focus()
  await page.keyboard.press('Control+s')
  await page.getByRole('status').getByText('Saved and in force.').waitFor()
  const text = await gateway.read()
  assert.match(text, /everybody may use these, some day/)
  assert.match(text, /name: everything/)
})
