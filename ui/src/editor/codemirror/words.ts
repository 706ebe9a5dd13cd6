import type { Description } from '../yaml/schema'

/** A description as an element: what stands between backticks is code. */
export function wordsOf({ text, default: preset, choices }: Description): HTMLElement {
  const words = element('div', 'cm-words', element('p', '', ...marked(text)))
  const told = choices.filter(({ description }) => description)
  if (told.length > 0) {
    const rows = told.flatMap(({ value, description }) => [
      element('dt', '', element('code', '', value)),
      element('dd', '', ...marked(description)),
    ])
    words.append(element('dl', '', ...rows))
  }
  if (preset !== null) words.append(element('p', 'cm-default', 'Default: ', element('code', '', preset)))
  return words
}

/** Text in which names stand between backticks. */
export function marked(text: string): (string | HTMLElement)[] {
  return text.split('`').map((part, index) => (index % 2 === 0 ? part.replaceAll('\n', ' ') : element('code', '', part)))
}

export function element(name: string, className: string, ...children: (string | HTMLElement)[]): HTMLElement {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...children)
  return made
}
