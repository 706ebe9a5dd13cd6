/** The YAML editor of the page of the configuration. */
export const editor = (page) => page.getByRole('textbox', { name: 'Configuration as YAML' })

/** Types at the end of the line that holds `words`, as a person would. */
export async function typeAfter(page, words, text) {
  await into(page, words)
  await page.keyboard.press('End')
  await page.keyboard.type(text)
}

/** Types over a word in the line that holds `words`. */
export async function replaceWord(page, words, word, text) {
  await into(page, words)
  await page.keyboard.press('Home')
  await page.keyboard.press('Home')
  const before = (await line(page, words).innerText()).indexOf(word)
  for (let step = 0; step < before; step++) await page.keyboard.press('ArrowRight')
  for (let step = 0; step < word.length; step++) await page.keyboard.press('Delete')
  await page.keyboard.insertText(text)
}

export const line = (page, words) => editor(page).locator('.cm-line', { hasText: words })

/** A pointer that stays where it clicked would have the key there explained, over whatever is above. */
async function into(page, words) {
  await line(page, words).click()
  await page.mouse.move(0, 0)
}
