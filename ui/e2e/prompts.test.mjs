import assert from 'node:assert/strict'
import { kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([kit('legacy', 'old'), kit('modern', 'new')])

for (const era of ['legacy', 'modern']) {
  browserTest(`prompts are filled in with proposals of the server, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground?tab=prompts')
    const playground = new Playground(page)
    const { available, output } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await available.getByRole('button', { name: `${target}_test_simple_prompt` }).click()
      await page.getByRole('button', { name: 'Get prompt' }).click()
      await playground.answers('This is a simple prompt for testing.')

      await available.getByRole('button', { name: `${target}_test_prompt_with_arguments` }).click()
      await page.getByRole('button', { name: 'Get prompt' }).click()
      assert.equal(await page.getByRole('combobox', { name: 'arg1' }).getAttribute('aria-invalid'), 'true')
      await page.getByRole('combobox', { name: 'arg1' }).fill('testV')
      await page.getByRole('option', { name: 'testValue2' }).click()
      await page.getByRole('combobox', { name: 'arg2' }).fill("it's")
      await page.getByRole('button', { name: 'Get prompt' }).click()
      await playground.answers("Prompt with arguments: arg1='testValue2', arg2='it's'")

      await available.getByRole('button', { name: `${target}_test_input_required_result_prompt` }).click()
      await page.getByRole('button', { name: 'Get prompt' }).click()
      await playground.question.getByLabel('context').fill('a library')
      await playground.question.getByRole('button', { name: 'Accept' }).click()
      await playground.answers('Use this context: a library')
    }
    await available.getByRole('button', { name: 'new_test_prompt_with_image' }).click()
    await page.getByRole('button', { name: 'Get prompt' }).click()
    await output.getByRole('img').waitFor()
    await accessible('Prompts')
  })
}
