import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtin, serving } from './harness/configs.mjs'
import { agentgateway } from './harness/program.mjs'
import { browserTest } from './harness/test.mjs'

/** Ends with 3 and a reason until there is a file `key` in the folder; from then on it is the time server. */
const locked = (folder) => ({
  name: 'locked',
  stdio: {
    cmd: 'sh',
    args: ['-c', `test -e ${folder}/key || { echo "there is no key at ${folder}/key" >&2; exit 3; }; exec ${agentgateway} builtin time`],
  },
})

const config = (folder) => serving([builtin('time'), locked(folder)])

browserTest('the overview says which target fails, why, and what it wrote last', { config }, async ({ page, gateway, go, accessible }) => {
  await go()
  const verdict = page.getByRole('region', { name: 'One thing does not work' })
  await verdict.getByRole('heading', { name: 'locked is failing' }).waitFor()
  assert.match(await verdict.innerText(), /exited with code 3/i)
  assert.match(await verdict.innerText(), new RegExp(`there is no key at ${gateway.folder}/key`))
  await page.getByRole('navigation').getByRole('link', { name: 'Backends', description: '1 target failing' }).waitFor()
  await accessible('Overview with a failing target')
})

browserTest('the way from the overview to a failing target ends at its standard error', { config }, async ({ page, gateway, go, accessible }) => {
  await go()
  await page.getByRole('region', { name: 'One thing does not work' }).getByRole('link', { name: 'Details' }).click()
  await page.getByRole('heading', { level: 1, name: 'Backends' }).waitFor()
  await page.getByRole('button', { name: /^locked/, expanded: true }).waitFor()
  await page.getByText(`there is no key at ${gateway.folder}/key`).locator('visible=true').last().waitFor()
  assert.match(await page.getByRole('main').innerText(), /exited with code 3/i)
  assert.match(await page.getByRole('main').innerText(), /the next is due/)
  await accessible('Backends with a failing target')
})

for (const from of ['', 'backends?target=locked']) {
  browserTest(`a target that was repaired is ready after a restart from ${from === '' ? 'the overview' : 'its backend'}`, { config }, async ({ page, gateway, go }) => {
    await go(from)
    if (from !== '') await page.getByRole('button', { name: /^locked/ }).click()
    await writeFile(join(gateway.folder, 'key'), '')
    await page.getByRole('button', { name: 'Restart locked' }).click()
    await page.getByRole('status').getByText('Restarting locked').waitFor()
    await go('backends')
    await page.getByRole('button', { name: /^locked.*Ready/s }).waitFor()
    await go()
    await page.getByRole('heading', { name: 'Everything is all right' }).waitFor()
  })
}
