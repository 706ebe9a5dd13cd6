import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { browserTest } from './harness/test.mjs'

const config = [
  '# what this gateway serves',
  'config: {adminAddr: "127.0.0.1:0"}',
  'mcp:',
  '  port: 0',
  '  targets:',
  '  - name: time',
  `    stdio: ${JSON.stringify(builtin('time').stdio)}`,
  '',
].join('\n')

/** Two faults, on lines 6 and 7. */
const broken = config.replace('- name: time', '- name: my_time').replace('    stdio:', '    studio:')

browserTest('a file that is saved with faults is explained on the overview, with the place of each', { config }, async ({ page, gateway, go, accessible }) => {
  await go()
  await page.getByRole('heading', { name: /Everything/ }).waitFor()
  await gateway.write(broken)
  const verdict = page.getByRole('region', { name: 'One thing does not work' })
  await verdict.getByRole('heading', { name: /config\.yaml is not in force/ }).waitFor()
  await verdict.getByRole('link', { name: /6:11$/ }).waitFor()
  await verdict.getByRole('link', { name: /7:\d+$/ }).waitFor()
  assert.match(await verdict.innerText(), /did you mean stdio\?/)
  assert.match(await verdict.innerText(), /call it my-time/)
  await page.getByRole('navigation').getByRole('link', { name: 'Configuration', description: 'not in force' }).waitFor()
  await accessible('Overview with an invalid file')
  await gateway.write(config)
  await verdict.waitFor({ state: 'detached' })
})

browserTest('a fault leads to its place in the editor', { config }, async ({ page, gateway, go, accessible }) => {
  await go()
  await gateway.write(broken)
  await page.getByRole('link', { name: /7:\d+$/ }).click()
  await page.getByRole('heading', { level: 1, name: 'Configuration' }).waitFor()
  const faults = page.getByRole('region', { name: 'Configuration file' }).getByRole('status')
  await faults.getByText('2 faults').waitFor()
  await faults.getByRole('button', { name: /^Line 6, column 11/ }).waitFor()
  await faults.getByRole('button', { name: /^Line 7, column/ }).waitFor()
  const cursor = page.locator('.cm-activeLine')
  assert.match(await cursor.innerText(), /studio/)
  await faults.getByRole('button', { name: /^Line 6, column 11/ }).click()
  await page.locator('.cm-activeLine', { hasText: 'my_time' }).waitFor()
  assert.match(await page.getByRole('main').innerText(), /Not in force/)
  await accessible('Configuration with an invalid file')
})

browserTest('clients are served as before while the file has faults', { config: serving([builtin('time')]) }, async ({ page, gateway, go }) => {
  await go('backends')
  await gateway.write('mcp: [')
  await page.getByRole('navigation').getByRole('link', { name: 'Configuration', description: 'not in force' }).waitFor()
  await page.getByRole('button', { name: /^time.*Ready/s }).waitFor()
})
