import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const everything = { name: 'everything', stdio: { cmd: 'npx', args: ['@modelcontextprotocol/server-everything'] } }
const config = serving([builtin('time'), everything])

for (const era of ['legacy', 'modern']) {
  browserTest(`what server-everything can do is seen through the gateway, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    const { question, output, result } = playground
    await playground.connect(era)

    await playground.call('everything_trigger-elicitation-request')
    await question.getByText(/The target everything wants to know/).waitFor()
    await accessible('the elicitation of server-everything')
    await question.getByLabel(/^name/i).first().fill('Ada Lovelace')
    await question.getByRole('button', { name: 'Accept' }).click()
    await output.getByText(/Ada Lovelace/).first().waitFor()
    await playground.call('everything_trigger-elicitation-request')
    await question.getByRole('button', { name: 'Decline' }).click()
    await output.getByText(/declined/i).first().waitFor()

    await playground.call('everything_trigger-sampling-request', { prompt: 'Which language is this?' })
    await question.getByText(/Which language is this\?/).waitFor()
    await question.getByLabel('Your answer').fill('English, it seems')
    await question.getByRole('button', { name: 'Answer' }).click()
    await output.getByText(/English, it seems/).first().waitFor()

    await playground.call('everything_trigger-long-running-operation', { duration: '1', steps: '4' })
    await output.getByRole('progressbar').waitFor()
    await playground.answers(/Long running operation completed/)

    await playground.choose('everything_get-structured-content')
    await playground.argument(/location/).selectOption('Chicago')
    await page.getByRole('button', { name: 'Call tool' }).click()
    await result.getByText('Structured content').waitFor()
    await playground.call('everything_get-tiny-image')
    const picture = output.getByRole('img')
    await picture.waitFor()
    assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)))
    await result.getByText('HTTP 200').waitFor()
  })
}
