import assert from 'node:assert/strict'
import { connect } from './harness/client.mjs'
import { builtin, serving } from './harness/configs.mjs'
import { fixture } from './harness/program.mjs'
import { browserTest } from './harness/test.mjs'

/** Has a tool that never answers. */
const hanging = {
  name: 'hanging',
  stdio: { cmd: fixture, args: ['hostile', '--name', 'hanging', '--era', 'legacy'] },
  timeouts: { call: '300ms' },
  breaker: { failures: 2, pause: '1h' },
}

browserTest('a target whose calls are refused is no target that is ready', { config: () => serving([builtin('time'), hanging]) }, async ({ page, gateway, go, accessible }) => {
  await go()
  await page.getByRole('heading', { name: /Everything/ }).waitFor()
  const client = await connect(gateway, { name: 'impatient', version: '1' })
  for (let call = 0; call < 2; call++) await client.call('hanging_hang', {})
  await page.getByRole('heading', { name: 'Calls to hanging are refused' }).waitFor()
  // A pause is up to a fifth shorter or longer than it is set.
  assert.match(await page.getByRole('region', { name: 'One thing does not work' }).innerText(), /2 failures in a row .*did not answer tools\/call within 0\.3 s.*in (1 h|[45]\d min)/s)
  await page.getByRole('row', { name: /hanging Breaker open/ }).waitFor()
  await accessible('Overview with an open breaker')
  await page.getByRole('region', { name: 'One thing does not work' }).getByRole('link', { name: 'Details' }).click()
  await page.getByText('Its calls are refused').waitFor()
  assert.match(await page.getByRole('main').innerText(), /breaker\.failures: 2, breaker\.pause: 1h, timeouts\.call: 300ms/)
  await accessible('Backends with an open breaker')
})
