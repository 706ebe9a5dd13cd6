/** What an image or a sound may be shown as. Anything else is offered to be saved, and not opened. */
const IMAGES = /^image\/(png|jpeg|gif|webp|avif|svg\+xml|bmp|x-icon)$/
const SOUNDS = /^audio\//

/** A URL that holds the data; null if it should not be shown, or is no Base64. */
export function mediaUrl(kind: 'image' | 'audio', mimeType: string, base64: string): string | null {
  const known = (kind === 'image' ? IMAGES : SOUNDS).test(mimeType)
  return known && isBase64(base64) ? `data:${mimeType};base64,${base64}` : null
}

export function isBase64(text: string): boolean {
  return text.length > 0 && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)
}

/** How many bytes Base64 stands for. */
export function sizeOf(base64: string): number {
  const signs = base64.replace(/[\s=]/g, '').length
  return Math.floor((signs * 3) / 4)
}

/** The name that a file of a resource is saved under. */
export function fileName(uri: string): string {
  const last =
    uri
      .replace(/[?#].*$/, '')
      .split('/')
      .findLast((part) => part !== '') ?? ''
  return decoded(last).replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'resource'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export type TextKind = 'json' | 'markdown' | 'plain'

const MARKDOWN = [
  /^#{1,6} \S/m,
  /^\s*```/m,
  /^\s*[-*] \S.*\n\s*[-*] \S/m,
  /\[[^\]\n]+\]\([^)\n]+\)/,
  /\*\*[^*\n]+\*\*/,
  /^\|.+\|\n\|[ :|-]+\|/m,
]
/** Longer texts are shown as they are: to set them would keep the page busy. */
const LONGEST_MARKDOWN = 200_000

/** What a text is, by its media type or else by its looks. */
export function textKind(text: string, mimeType: string | null = null): TextKind {
  if (mimeType !== null && /[/+]json$/.test(mimeType)) return isJson(text) ? 'json' : 'plain'
  if (/^\s*[[{]/.test(text) && isJson(text)) return 'json'
  if (text.length > LONGEST_MARKDOWN) return 'plain'
  if (mimeType === 'text/markdown') return 'markdown'
  const mayBe = mimeType === null || mimeType === 'text/plain'
  return mayBe && MARKDOWN.some((sign) => sign.test(text)) ? 'markdown' : 'plain'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
