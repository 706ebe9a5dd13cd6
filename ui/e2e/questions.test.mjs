import assert from 'node:assert/strict'
import { kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([kit('legacy', 'old'), kit('modern', 'new')])

for (const era of ['legacy', 'modern']) {
  browserTest(`an elicitation is answered in a dialog, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    const { question, output } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await playground.call(`${target}_test_elicitation`, { message: 'Who are you?' })
      await question.getByText(/Who are you\?/).waitFor()
      await question.getByText(new RegExp(`The target ${target} wants to know`)).waitFor()
      if (target === 'old') await accessible('an elicitation')
      await question.getByRole('button', { name: 'Accept' }).click()
      // Both are required, and nothing was said yet.
      assert.equal(await question.getByLabel('username').getAttribute('aria-invalid'), 'true')
      await question.getByLabel('username').fill('ada')
      await question.getByLabel('email').fill('ada@example.com')
      await question.getByRole('button', { name: 'Accept' }).click()
      await question.waitFor({ state: 'hidden' })
      await output.getByText(/action=accept/).waitFor()
      assert.match(await output.innerText(), /"username":"ada"/)

      await playground.call(`${target}_test_elicitation`, { message: 'And now?' })
      await question.getByRole('button', { name: 'Decline' }).click()
      await output.getByText(/action=decline/).waitFor()

      await playground.call(`${target}_test_elicitation`, { message: 'And now?' })
      await question.getByText(/And now\?/).waitFor()
      await page.keyboard.press('Escape')
      await output.getByText(/action=cancel/).waitFor()
    }
  })

  browserTest(`defaults and choices of an elicitation are sent as they are shown, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    const { question, output } = playground
    await playground.connect(era)
    await playground.call('new_test_elicitation_sep1034_defaults')
    assert.equal(await question.getByLabel('name', { exact: true }).inputValue(), 'John Doe')
    await question.getByLabel('age').fill('31')
    await question.getByRole('button', { name: 'Accept' }).click()
    await output.getByText(/action=accept/).waitFor()
    const said = await output.innerText()
    for (const part of ['"name":"John Doe"', '"age":31', '"score":95.5', '"status":"active"', '"verified":true']) {
      assert.ok(said.includes(part), `${part} in ${said}`)
    }
    await playground.call('old_test_elicitation_sep1330_enums')
    await question.getByLabel('titledSingle', { exact: true }).selectOption('Second Option')
    await question.getByLabel('legacyEnum').selectOption('Option Three')
    await question.getByLabel('option2').check()
    await question.getByLabel('Third Choice').check()
    await accessible('an elicitation with choices')
    await question.getByRole('button', { name: 'Accept' }).click()
    await output.getByText(/action=accept/).waitFor()
    const chosen = await output.innerText()
    for (const part of ['"titledSingle":"value2"', '"legacyEnum":"opt3"', '"untitledMulti":["option2"]', '"titledMulti":["value3"]']) {
      assert.ok(chosen.includes(part), `${part} in ${chosen}`)
    }
  })

  browserTest(`a sampling request is answered or refused by the person, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground')
    const playground = new Playground(page)
    const { question, output, result } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await playground.call(`${target}_test_sampling`, { prompt: 'What is the capital of France?' })
      await question.getByText('What is the capital of France?').waitFor()
      await question.getByText(/at most 100 tokens/).waitFor()
      if (target === 'old') await accessible('a sampling request')
      await question.getByLabel('Your answer').fill('Paris')
      await question.getByRole('button', { name: 'Answer' }).click()
      await output.getByText('LLM response: Paris').waitFor()

      await playground.call(`${target}_test_sampling`, { prompt: 'And of Spain?' })
      await question.getByText('And of Spain?').waitFor()
      await question.getByRole('button', { name: 'Refuse' }).click()
      await question.waitFor({ state: 'hidden' })
      await result.getByText(/Tool error|Refused here|^Error/).first().waitFor()
    }
  })

  browserTest(`questions of one call come one after the other, in the ${era} era`, { config }, async ({ page, go }) => {
    await go('playground')
    const playground = new Playground(page)
    const { question, output } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await playground.call(`${target}_test_input_required_result_multi_round`)
      await question.getByText(/Step 1/).waitFor()
      await question.getByLabel('name').fill('Ada')
      await page.keyboard.press('Enter')
      await question.getByText(/Step 2/).waitFor()
      await question.getByLabel('color').fill('teal')
      await page.keyboard.press('Enter')
      await output.getByText('Ada likes teal').waitFor()

      await playground.call(`${target}_kit_ask_many`)
      for (let step = 0; step < 2; step++) {
        const answer = question.getByLabel('Your answer')
        const value = question.getByLabel('value')
        await answer.or(value).waitFor()
        if (await answer.isVisible()) {
          await answer.fill('something')
          await question.getByRole('button', { name: 'Answer' }).click()
          await answer.waitFor({ state: 'hidden' })
        } else {
          await value.fill('a value')
          await question.getByRole('button', { name: 'Accept' }).click()
          await value.waitFor({ state: 'hidden' })
        }
      }
      await output.getByText(/"something"/).first().waitFor()
      assert.match(await output.innerText(), /a value/)
    }
  })
}

browserTest('a page elsewhere is opened only when the person says so', { config }, async ({ page, go, watch, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  const { question, output } = playground
  await playground.connect('modern')
  await playground.call('new_kit_url_required')
  await question.getByText('fixture.example', { exact: true }).waitFor()
  await question.getByText('https://fixture.example/visit/modern').waitFor()
  await accessible('the question to visit a page')
  // Nothing has left so far: the watch would have seen it. From here on the person has said so.
  watch.verdict()
  await page.context().route('https://fixture.example/**', (route) => route.fulfill({ body: 'signed in' }))
  watch.allow(/fixture\.example/)
  const opening = page.context().waitForEvent('page')
  await question.getByRole('button', { name: /^Open/ }).click()
  const opened = await opening
  await opened.getByText('signed in').waitFor()
  assert.equal(await opened.evaluate(() => window.opener), null)
  assert.equal(await opened.evaluate(() => document.referrer), '')
  await question.getByRole('button', { name: 'Done there, go on' }).click()
  await output.getByText(/"visited": true/).waitFor()
})

browserTest('a server is told the roots of the settings', { config }, async ({ page, go, accessible }) => {
  await go('playground')
  const playground = new Playground(page)
  await playground.connect('legacy')
  await page.getByText(/settings$/i).click()
  await page.getByRole('button', { name: 'Add a root' }).click()
  await page.getByRole('textbox', { name: 'URI of root 1' }).fill('file:///home/ada')
  await page.getByRole('textbox', { name: 'Name of root 1' }).fill('Home')
  await accessible('the settings of a connection')
  for (const target of ['old', 'new']) {
    await playground.call(`${target}_test_input_required_result_list_roots`)
    await playground.answers(/file:\/\/\/home\/ada/)
  }
})
