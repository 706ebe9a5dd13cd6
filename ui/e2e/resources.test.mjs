import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { kit, serving } from './harness/configs.mjs'
import { Playground } from './harness/playground.mjs'
import { startFixture } from './harness/program.mjs'
import { browserTest } from './harness/test.mjs'

const config = serving([kit('legacy', 'old'), kit('modern', 'new')])

/** Servers that everybody shares, so that one sees what another changes. */
let old, modern
before(async () => {
  old = await startFixture('legacy')
  modern = await startFixture('modern')
})
after(() => {
  old?.stop()
  modern?.stop()
})
const shared = () => serving([{ name: 'old', mcp: { host: old.url } }, { name: 'new', mcp: { host: modern.url } }])

for (const era of ['legacy', 'modern']) {
  browserTest(`resources are read, as they are and by template, in the ${era} era`, { config }, async ({ page, go, accessible }) => {
    await go('playground?tab=resources')
    const playground = new Playground(page)
    const { available, output } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      const group = available.getByRole('group', { name: target, exact: true })
      await group.getByRole('button', { name: /Static text/ }).click()
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await playground.answers('This is the content of the static text resource.')

      await group.getByRole('button', { name: /Static binary/ }).click()
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await output.getByRole('img').waitFor()
      await output.getByRole('link', { name: /^Save/ }).waitFor()

      await group.getByRole('button', { name: /Template data/ }).click()
      const id = page.getByRole('combobox', { name: 'id' })
      await id.fill('par')
      const proposals = page.getByRole('listbox', { name: 'Proposals of the server' })
      await proposals.getByRole('option', { name: 'party' }).waitFor()
      assert.deepEqual(await proposals.getByRole('option').allInnerTexts(), ['paris', 'park', 'party'])
      if (target === 'old') await accessible('a template with proposals')
      await id.focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      assert.equal(await id.inputValue(), 'paris')
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await playground.answers(/Data for ID: paris/)
    }
    await accessible('Resources')
  })

  browserTest(`a subscribed resource is read again when it changes, in the ${era} era`, { config: shared }, async ({ page, go }) => {
    await go('playground?tab=resources')
    const playground = new Playground(page)
    const { available, output } = playground
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      await page.getByRole('tab', { name: /^Resources/ }).click()
      await available.getByRole('group', { name: target, exact: true }).getByRole('button', { name: /Counter/ }).click()
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      const times = Number((await output.locator('pre').innerText()).trim())
      await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
      await page.getByText('Waiting for changes').waitFor()
      // Somebody else changes it.
      const other = await page.context().newPage()
      await other.goto('playground')
      const elsewhere = new Playground(other)
      await elsewhere.connect(era)
      await elsewhere.call(`${target}_kit_touch`)
      await elsewhere.answers('Changed')
      await other.close()
      await page.getByText(/Changed 1 time/).waitFor()
      await output.getByText(String(times + 1), { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Unsubscribe' }).click()
      await page.getByRole('button', { name: 'Subscribe', exact: true }).waitFor()
    }
  })

  browserTest(`lists follow the server, in the ${era} era`, { config: shared }, async ({ page, go }) => {
    await go('playground')
    const playground = new Playground(page)
    await playground.connect(era)
    for (const target of ['old', 'new']) {
      const dynamic = playground.available.getByRole('button', { name: `${target}_test_dynamic_tool` })
      await dynamic.waitFor({ state: 'detached' })
      await playground.call(`${target}_test_trigger_tool_change`)
      await dynamic.waitFor()
      await playground.call(`${target}_test_trigger_tool_change`)
      await dynamic.waitFor({ state: 'detached' })
    }
  })
}
