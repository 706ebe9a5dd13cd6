import type { CatalogItem } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Code } from '../../parts/code'
import { number } from '../../parts/format'
import { Icon } from '../../parts/icon'
import { Link } from '../../parts/link'
import { descriptionOf, hintsOf } from './catalog'

interface ItemRowProps {
  item: CatalogItem
  /** What the most expensive item of the list takes. */
  most: number
  /** The route over which it can be tried; null if no route leads to its backend. */
  route: string | null
}

const tabs: Record<CatalogItem['kind'], string> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  resourceTemplate: 'resources',
}

export function ItemRow({ item, most, route }: ItemRowProps) {
  const description = descriptionOf(item)
  return (
    <li>
      <details className="catalog-item">
        <summary>
          <Icon name="right" className="catalog-item-arrow" />
          <span className="catalog-item-words">
            <span className="catalog-item-name mono breakable">{item.name}</span>
            {description !== '' && <span className="catalog-item-description">{description}</span>}
          </span>
          {hintsOf(item).map(({ tone, word }) => (
            <span key={word} className="catalog-item-hint">
              <Badge tone={tone}>{word}</Badge>
            </span>
          ))}
          <span className="catalog-item-tokens">
            <span className="mono">{number(item.tokens)}</span> tokens
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect width="100" height="4" />
              <rect className="catalog-item-share" width={(item.tokens / most) * 100} height="4" />
            </svg>
          </span>
        </summary>
        <div className="catalog-item-body">
          {item.original !== item.name && (
            <p>
              <span className="quiet">At the target: </span>
              <code className="breakable">{item.original}</code>
            </p>
          )}
          {route !== null && (
            <p>
              <Link plain to={`playground?${new URLSearchParams({ route, tab: tabs[item.kind], item: item.name })}`}>
                Try it in the playground
              </Link>
            </p>
          )}
          {description !== '' && <p className="catalog-item-text">{description}</p>}
          {schemasOf(item).map(({ title, value }) => (
            <div key={title}>
              <h4>{title}</h4>
              <Code text={JSON.stringify(value, null, 2)} language="json" label={`${title} of ${item.name}`} copy />
            </div>
          ))}
        </div>
      </details>
    </li>
  )
}

/** What there is to see besides the name: the schemas of a tool, and of anything else all of it. */
function schemasOf({ kind, item }: CatalogItem): { title: string; value: unknown }[] {
  if (kind !== 'tool') return [{ title: 'As clients get it', value: item }]
  const all = [
    { title: 'Input schema', value: item.inputSchema },
    { title: 'Output schema', value: item.outputSchema },
    { title: 'Annotations', value: item.annotations },
  ]
  return all.filter(({ value }) => value !== undefined)
}
