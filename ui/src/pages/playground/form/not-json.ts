/** Text in a field for JSON that is not JSON, or not yet. It goes on the wire as text, if the person insists. */
export class NotJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): string {
    return this.text
  }
}

/** Undefined for nothing at all. */
export function parsed(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return new NotJson(text)
  }
}

/** The text that a field for JSON begins with. */
export function spelled(value: unknown): string {
  if (value === undefined) return ''
  return value instanceof NotJson ? value.text : JSON.stringify(value, null, 2)
}
