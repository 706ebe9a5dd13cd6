import { useState } from 'react'
import { getCatalog, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import type { Backend, CatalogItem, Target } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Loading } from '../../parts/loading'
import { compact, counted } from '../../parts/format'
import { SearchInput } from '../../parts/inputs'
import { Tabs } from '../../parts/tabs'
import { useLoaded } from '../../parts/use-loaded'
import { found, tokensOf } from './catalog'
import { ItemRow } from './item'
import './items.css'

const kinds: { id: CatalogItem['kind']; label: string; word: string }[] = [
  { id: 'tool', label: 'Tools', word: 'tool' },
  { id: 'prompt', label: 'Prompts', word: 'prompt' },
  { id: 'resource', label: 'Resources', word: 'resource' },
  { id: 'resourceTemplate', label: 'Templates', word: 'template' },
]

/** From how many on a search is worth its place. */
const MANY = 8

/** What a target offers, and what it costs: the words that a model has to read before it can call anything. */
export function Items({ backend, target }: { backend: Backend; target: Target }) {
  const [chosen, setChosen] = useState<CatalogItem['kind']>('tool')
  const [search, setSearch] = useState('')
  const route = useStatus()?.routes.find(({ backends }) => backends.some(({ key }) => key === backend.key))
  const { counts, since } = target
  const key = [backend.key, target.name, since, ...Object.values(counts)].join(' ')
  const { value, error, reload } = useLoaded(key, (signal) => getCatalog(backend.key, signal))
  if (error !== null && value === null) {
    return (
      <Banner tone="warn" title="Its items could not be loaded" actions={<Button onClick={reload}>Try again</Button>}>
        {textOf(error)}
      </Banner>
    )
  }
  if (value === null) return <Loading>Loading its items …</Loading>
  const items = value.items.filter((item) => item.target === target.name)
  const present = kinds.filter(({ id }) => items.some(({ kind }) => kind === id))
  if (present.length === 0) {
    return <p className="quiet">{target.state === 'ready' ? 'It offers no items.' : 'Its items come when it is ready.'}</p>
  }
  const kind = present.find(({ id }) => id === chosen) ?? present[0]
  const all = items.filter((item) => item.kind === kind?.id)
  const shown = found(all, search)
  const most = Math.max(1, ...all.map(({ tokens }) => tokens))
  return (
    <section className="catalog" aria-label={`Items of ${target.name}`}>
      <p className="catalog-cost">
        Context cost: about <strong>{counted(tokensOf(items), 'token')}</strong>
        <span className="quiet">
          {' '}
          for everything it offers
          {target.counts.tools > 0 && `, ${compact(tokensOf(items.filter((item) => item.kind === 'tool')))} of them for tools`}
        </span>
      </p>
      <Tabs
        label="Kinds of items"
        tabs={present.map(({ id, label }) => ({ id, label, count: items.filter((item) => item.kind === id).length }))}
        selected={kind?.id ?? 'tool'}
        onSelect={(id) => setChosen(kinds.find((each) => each.id === id)?.id ?? 'tool')}
      >
        {all.length > MANY && (
          <SearchInput
            className="catalog-search"
            aria-label={`Search the ${kind?.label.toLowerCase()}`}
            placeholder={`Search ${counted(all.length, kind?.word ?? 'item')}`}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        )}
        {shown.length === 0 ? (
          <p className="quiet">Nothing of that name or description.</p>
        ) : (
          <ul className="catalog-list">
            {shown.map((item) => (
              <ItemRow key={item.name} item={item} most={most} route={route?.key ?? null} />
            ))}
          </ul>
        )}
      </Tabs>
    </section>
  )
}
