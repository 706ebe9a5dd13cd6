import assert from 'node:assert/strict'
import { kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'
import { until } from './harness/until.mjs'

const config = serving([kit('legacy', 'old'), kit('modern', 'new')])

for (const era of ['legacy', 'modern']) {
  browserTest(`results are shown by what they are, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await playground.call(`${target}_test_simple_text`)
      await playground.answers('This is a simple text response for testing.')

      await playground.call(`${target}_test_image_content`)
      const picture = playground.output.getByRole('img', { name: 'Image, image/png' })
      await picture.waitFor()
      assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)))

      await playground.call(`${target}_test_audio_content`)
      await playground.output.locator('audio[aria-label="Audio, audio/wav"]').waitFor()

      await playground.call(`${target}_test_structured_content`)
      await playground.answers('Structured content')
      assert.match(await playground.output.innerText(), /"answer": 42/)

      await playground.call(`${target}_test_embedded_resource`)
      await playground.answers('This is an embedded resource content.')

      await playground.call(`${target}_test_error_handling`)
      await playground.answers('This tool intentionally returns an error for testing')
      await playground.result.getByText('Tool error', { exact: true }).waitFor()

      // The link leads to what it names.
      await playground.call(`${target}_test_resource_link`)
      await playground.output.getByRole('button', { name: /Read/ }).click()
      await playground.output.getByText('This is the content of the static text resource.').waitFor()
    }
    await playground.call('new_test_multiple_content_types')
    await playground.answers('Multiple content types test:')
    await playground.output.getByRole('img').waitFor()
    await accessible('a result of several parts')
  })

  browserTest(`progress and log messages come while a call runs, which can be cancelled, in the ${era} era`, { config }, async ({ page, gateway, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    await playground.connect(era)
    const { result, output } = playground
    for (const target of ['old', 'new']) {
      await playground.call(`${target}_kit_slow`, { steps: '2000' })
      const progress = output.getByRole('progressbar')
      await progress.waitFor()
      await page.waitForFunction((element) => element.value > 0 && element.value < 1, await progress.elementHandle())
      await output.getByText(/of 2000/).waitFor()
      if (target === 'new') await accessible('a running call')
      await result.getByRole('button', { name: 'Cancel' }).click()
      await result.getByText('Cancelled', { exact: true }).first().waitFor()
      await result.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' })
      const { calls } = await until(async () => {
        const recent = await gateway.get('/api/calls')
        return recent.calls[0]?.target === target && recent
      }, 'the gateway to have heard of it')
      assert.equal(calls[0].outcome, 'cancelled')
    }
  })
}

browserTest('raw messages, status, session, version and duration of a call are there', { config }, async ({ page, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await playground.call('old_greet', { name: 'Ada' })
  await playground.answers('Hello, Ada!')
  const facts = await playground.result.innerText()
  assert.match(facts, /Duration\s+[\d.]+\s*(ms|s)/)
  assert.match(facts, /Version\s+2025-11-25/)
  assert.match(facts, /Session\s+\S{8}…/)
  await playground.result.getByRole('tab', { name: 'Raw JSON' }).click()
  const raw = playground.result.getByRole('tabpanel', { name: 'Raw JSON' })
  await raw.getByText(/"method": "tools\/call"/).waitFor()
  await raw.getByText(/"text": "Hello, Ada!"/).waitFor()
  await accessible('raw messages')
  await page.getByRole('tab', { name: 'Messages' }).click()
  await page.getByRole('main').getByText(/tools\/call/).first().waitFor()
  await page.getByRole('main').getByText('notifications/initialized').first().waitFor()
  await accessible('Messages')
})

browserTest('the eras differ on the wire and not in what one sees', { config }, async ({ page, go }) => {
  await go('playground')
  const playground = new Playground(page)
  const methods = []
  page.on('request', (request) => {
    if (request.method() === 'POST') methods.push(JSON.parse(request.postData() ?? '{}').method)
  })
  await playground.connect('legacy')
  assert.ok(methods.includes('initialize'))
  await playground.call('new_greet', { name: 'Ada' })
  await playground.answers('Hello, Ada!')
  methods.length = 0
  // The switch takes the connection along.
  await playground.routes.getByText(/^Modern/).click()
  await page.getByRole('button', { name: 'Discover' }).waitFor()
  await playground.available.getByRole('button', { name: 'old_greet' }).click()
  await playground.fill({ name: 'Grace' })
  await page.keyboard.press('Control+Enter')
  await playground.answers('Hello, Grace!')
  assert.ok(methods.includes('server/discover') && !methods.includes('initialize'), methods.join())
  assert.match(await playground.result.innerText(), /Version\s+2026-07-28/)
})
