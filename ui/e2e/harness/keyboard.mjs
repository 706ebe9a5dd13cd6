/** Presses Tab until something of this name has the focus; fails after a round through the page. */
export async function tabTo(page, name, key = 'Tab') {
  const seen = []
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press(key)
    const found = await page.evaluate(() => {
      let element = document.activeElement
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
      if (element === null || element === document.body) return null
      const labels = element.labels ? [...element.labels].map((label) => label.innerText) : []
      const text = element.getAttribute('aria-label') ?? labels[0] ?? element.innerText ?? ''
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
      const ring = (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none'
      return { text: text.trim().replace(/\s+/g, ' '), ring, tag: element.tagName.toLowerCase() }
    })
    if (found === null) continue
    seen.push(found.text)
    if (typeof name === 'string' ? found.text === name : name.test(found.text)) return found
  }
  throw new Error(`Tab never comes to ${name}, only to ${JSON.stringify([...new Set(seen)])}`)
}
