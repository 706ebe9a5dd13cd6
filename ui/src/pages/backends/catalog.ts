import type { CatalogItem } from '../../api/types'

export function tokensOf(items: CatalogItem[]): number {
  return items.reduce((sum, { tokens }) => sum + tokens, 0)
}

export function descriptionOf({ item }: CatalogItem): string {
  return typeof item.description === 'string' ? item.description.trim() : ''
}

/** Those whose name or description has every word. */
export function found(items: CatalogItem[], search: string): CatalogItem[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return items.filter((item) => {
    const text = `${item.name} ${descriptionOf(item)}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** What a tool says of how careful one has to be with it; clients must not rely on it. */
export function hintsOf({ item }: CatalogItem): { tone: 'info' | 'warn'; word: string }[] {
  const { annotations } = item
  if (typeof annotations !== 'object' || annotations === null) return []
  const says = annotations as Record<string, unknown>
  if (says.readOnlyHint === true) return [{ tone: 'info', word: 'Read-only' }]
  return says.destructiveHint === true ? [{ tone: 'warn', word: 'Destructive' }] : []
}
