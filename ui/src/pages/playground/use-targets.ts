import { useEffect, useState } from 'react'
import { getCatalog } from '../../api/client'
import type { CatalogItem, Route } from '../../api/types'

export type TargetOf = (kind: CatalogItem['kind'], name: string) => string | null

/** Says whose an item is. The catalog knows; a name alone does not, since prefixes may be off. `lists` is what to read it again for. */
export function useTargets(route: Route, lists: unknown): TargetOf {
  const [targets, setTargets] = useState<ReadonlyMap<string, string>>(new Map())
  const backends = JSON.stringify(route.backends.map(({ key }) => key))
  useEffect(() => {
    const stop = new AbortController()
    const keys = JSON.parse(backends) as string[]
    // Without the catalog the items are still there, only in one heap.
    const read = (key: string) => getCatalog(key, stop.signal).catch(() => ({ items: [] }))
    void Promise.all(keys.map(read)).then((catalogs) => {
      if (stop.signal.aborted) return
      setTargets(new Map(catalogs.flatMap(({ items }) => items).map(({ kind, name, target }) => [keyOf(kind, name), target])))
    })
    return () => stop.abort()
  }, [backends, lists])
  return (kind, name) => targets.get(keyOf(kind, name)) ?? null
}

function keyOf(kind: CatalogItem['kind'], name: string): string {
  return `${kind} ${name}`
}
