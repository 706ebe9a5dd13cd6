import { useEffect, useRef, useState } from 'react'
import { Card } from '../../parts/card'
import { Bench } from './bench'
import type { TabProps } from './bench-props'
import { ItemList } from './item-list'
import { MissingNote } from './missing-note'
import { ResourcePanel } from './resource-panel'
import { RunResult } from './result/result-panel'
import { isRunning, shownRun } from './run-store'
import { TemplatePanel } from './template-panel'

/** An item is a URI or a template; a URI that is not listed can be read all the same. */
export function ResourcesTab({ client, view, connection, runs, runStore, targetOf, item, onSelect }: TabProps) {
  const { resources, templates } = view.lists
  const template = templates.items.find(({ uriTemplate }) => uriTemplate === item)
  const resource = resources.items.find(({ uri }) => uri === item)
  /** What a template was made into last is shown with the template. */
  const [made, setMade] = useState<Record<string, string>>({})
  const run = shownRun(runs, 'resources/read', item === null ? null : (made[item] ?? item))
  const read = (uri: string) => void runStore.start('resources/read', uri, (options) => client.readResource(uri, options))
  const readMade = (uri: string) => {
    if (item !== null) setMade({ ...made, [item]: uri })
    read(uri)
  }
  useRereading(view.updates, run?.item ?? null, (uri) => {
    if (view.subscribed.includes(uri) && !runs.some(isRunning)) read(uri)
  })
  const sections = [
    {
      title: templates.items.length > 0 ? 'Resources' : null,
      items: resources.items.map(({ uri, name, title, description }) => ({
        id: uri,
        name,
        title,
        description: title ?? description ?? uri,
        target: targetOf('resource', uri),
      })),
    },
    {
      title: 'Templates',
      items: templates.items.map(({ uriTemplate, name, title, description }) => ({
        ...{
          id: uriTemplate,
          name,
          title,
          description: title ?? description ?? uriTemplate,
          target: targetOf('resourceTemplate', uriTemplate),
        },
      })),
    },
  ]
  return (
    <Bench
      list={
        <ItemList
          title="Available Resources"
          sections={sections}
          selected={item}
          onSelect={onSelect}
          empty="This server offers no resources."
        >
          <MissingNote lists={[resources, templates]} failures={[view.listFailures.resources, view.listFailures.templates]} />
        </ItemList>
      }
    >
      {item === null && (
        <Card>
          <p className="quiet">Choose a resource to read it, or a template to make an address of a resource.</p>
        </Card>
      )}
      {item !== null && template && (
        <TemplatePanel key={item} template={template} client={client} busy={runs.some(isRunning)} onRead={readMade} />
      )}
      {item !== null && !template && (
        <ResourcePanel
          key={item}
          uri={item}
          resource={resource ?? null}
          view={view}
          connection={connection}
          busy={runs.some(isRunning)}
          onRead={() => read(item)}
        />
      )}
      {run !== null && <RunResult run={run} onCancel={() => runStore.cancel()} />}
    </Bench>
  )
}

/** Reads what is shown again when the server says that it has changed. An update alone is a reason, not that something else is shown. */
function useRereading(updates: TabProps['view']['updates'], shown: string | null, reread: (uri: string) => void) {
  const seen = useRef(updates)
  useEffect(() => {
    const changed = shown !== null && updates[shown] !== seen.current[shown]
    seen.current = updates
    if (shown !== null && changed) reread(shown)
  }, [updates, shown, reread])
}
