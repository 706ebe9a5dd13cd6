/** Items of one target; null for those of which nobody knows whose they are. */
export interface Group<Item> {
  target: string | null
  items: Item[]
}

/** In the order of the list, which is that of the targets in the configuration. */
export function grouped<Item>(items: Item[], targetOf: (item: Item) => string | null): Group<Item>[] {
  const groups = new Map<string | null, Item[]>()
  for (const item of items) {
    const target = targetOf(item)
    const group = groups.get(target)
    if (group) group.push(item)
    else groups.set(target, [item])
  }
  return [...groups].map(([target, items]) => ({ target, items }))
}

/** Whether every word of a search stands somewhere in the texts of an item. */
export function matches(search: string, texts: (string | null)[]): boolean {
  const within = texts.join('\n').toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word))
}
