import assert from 'node:assert/strict'
import { builtin } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const target = JSON.stringify(builtin('time'))

/** The short form, with a policy that lets somebody else in. */
const config = `config: {adminAddr: "127.0.0.1:0"}
mcp:
  port: 0
  policies:   # who may call
    cors:
      allowOrigins:
      - https://app.example.com   # the app
      # and nobody else
  targets:
  - ${target}
`

browserTest('an origin is added to those that are allowed already, after a look at the change', { config }, async ({ page, gateway, go }) => {
  await go('playground')
  await page.getByText(/What is changed in .*config\.yaml/).click()
  await page.getByRole('insertion').getByText(gateway.admin).waitFor()
  assert.equal(await gateway.read(), config)
  await page.getByRole('button', { name: 'Apply CORS' }).click()
  const playground = new Playground(page)
  await playground.available.getByRole('button', { name: 'get_current_time' }).waitFor()
  const text = await gateway.read()
  const own = text.split('\n').filter((line) => line.includes(gateway.admin))
  assert.equal(own.length, 1)
  assert.equal(text.replace(`${own[0]}\n`, ''), config)
})

browserTest('what cannot be written is told, to be added by hand', { config, inline: true }, async ({ page, gateway, go, accessible }) => {
  await go('playground')
  await page.getByText('Browser access is not allowed').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Apply CORS' }).count(), 0)
  await page.getByText(`allowOrigins: ["${gateway.admin}"]`).waitFor()
  await accessible('the playground of a configuration that cannot be written')
  await go('configuration')
  await page.getByText('The configuration cannot be saved from here').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).count(), 0)
  await accessible('a configuration that cannot be written')
})
