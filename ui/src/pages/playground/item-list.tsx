import { useId, useState, type ReactNode } from 'react'
import { Card } from '../../parts/card'
import { SearchInput } from '../../parts/inputs'
import { grouped, matches } from './grouping'
import './item-list.css'

export interface ListItem {
  id: string
  name: string
  title: string | null
  description: string | null
  target: string | null
  sign?: ReactNode
}

export interface ListSection {
  /** Null if there is only one. */
  title: string | null
  items: ListItem[]
}

interface ItemListProps {
  title: string
  sections: ListSection[]
  selected: string | null
  onSelect: (id: string) => void
  /** What stands there when there are no items. */
  empty: string
  children?: ReactNode
}

/** Items by target, with a search that leaves those in which all of its words stand. */
export function ItemList({ title, sections, selected, onSelect, empty, children }: ItemListProps) {
  const [search, setSearch] = useState('')
  const found = sections.map((section) => ({
    ...section,
    items: section.items.filter(({ name, title, description, target }) => matches(search, [name, title, description, target])),
  }))
  const all = sections.reduce((sum, { items }) => sum + items.length, 0)
  const left = found.reduce((sum, { items }) => sum + items.length, 0)
  return (
    <Card
      title={title}
      actions={all > 0 && <span className="quiet mono">{search === '' ? all : `${left} of ${all}`}</span>}
      className="item-list"
    >
      {all > 0 && (
        <SearchInput aria-label={`Search ${title.toLowerCase()}`} value={search} onChange={(event) => setSearch(event.target.value)} />
      )}
      {children}
      <div className="item-list-scroll">
        {all === 0 && <p className="quiet">{empty}</p>}
        {all > 0 && left === 0 && <p className="quiet">Nothing matches “{search}”.</p>}
        {found.map(
          (section) =>
            section.items.length > 0 && <Section key={section.title} section={section} selected={selected} onSelect={onSelect} />,
        )}
      </div>
      <p className="visually-hidden" role="status">
        {search !== '' && `${left} of ${all} match`}
      </p>
    </Card>
  )
}

function Section({ section, selected, onSelect }: { section: ListSection } & Pick<ItemListProps, 'selected' | 'onSelect'>) {
  return (
    <>
      {section.title !== null && <h3 className="item-list-section">{section.title}</h3>}
      {grouped(section.items, ({ target }) => target).map(({ target, items }) => (
        <Group
          key={target}
          heading={section.title === null ? 'h3' : 'h4'}
          target={target}
          items={items}
          selected={selected}
          onSelect={onSelect}
        />
      ))}
    </>
  )
}

interface GroupProps extends Pick<ItemListProps, 'selected' | 'onSelect'> {
  heading: 'h3' | 'h4'
  target: string | null
  items: ListItem[]
}

function Group({ heading: Heading, target, items, selected, onSelect }: GroupProps) {
  const id = useId()
  return (
    <div className="item-list-group" role="group" aria-labelledby={id}>
      <Heading id={id}>{target ?? 'Other'}</Heading>
      <ul>
        {items.map((item) => (
          <li key={item.id}>
            <button type="button" className="item" aria-current={item.id === selected || undefined} onClick={() => onSelect(item.id)}>
              <span className="item-name">{item.name}</span>
              {item.sign}
              <span className="item-words">{inBrief(item)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** The first line of what it says of itself, without the signs of Markdown. */
function inBrief({ description, title }: ListItem): string {
  const line = (description ?? title ?? '').split('\n').find((each) => each.trim() !== '') ?? ''
  return line.replace(/^#+ |\*\*|`/g, '')
}
