import { useState, type ReactNode } from 'react'
import { Tabs } from '../../parts/tabs'
import { setQuery, usePlace } from '../../router'
import type { TabProps } from './bench-props'
import type { ConnectionStore, ConnectionView } from './connection-store'
import type { Drafts } from './drafts'
import { MessagesTab } from './messages-tab'
import { NoTools } from './no-tools'
import { PromptsTab } from './prompts-tab'
import { ResourcesTab } from './resources-tab'
import type { RunStore } from './run-store'
import { useStore } from './store'
import { ToolsTab } from './tools-tab'
import type { TargetOf } from './use-targets'

const TABS = ['tools', 'prompts', 'resources', 'messages'] as const
type TabId = (typeof TABS)[number]

interface WorkbenchTabsProps {
  view: ConnectionView
  connection: ConnectionStore
  runStore: RunStore
  targetOf: TargetOf
  drafts: Drafts
  /** Arguments of a prompt that come from elsewhere. */
  given: Record<string, string>
  /** What stands there while there is no connection. */
  notConnected: ReactNode
}

/** What can be tried over a connection, a tab for each kind; and what went over it. */
export function WorkbenchTabs({ view, connection, runStore, targetOf, drafts, given, notConnected }: WorkbenchTabsProps) {
  const { query } = usePlace()
  const { runs } = useStore(runStore)
  /** The item that was last selected on each tab. */
  const [items, setItems] = useState<Partial<Record<TabId, string>>>({})
  const tab = TABS.find((id) => id === query.get('tab')) ?? 'tools'
  const { client } = view
  const ready = view.phase === 'ready' && client !== null
  const onSelect = (id: string) => {
    setItems({ ...items, [tab]: id })
    setQuery({ item: id })
  }
  const content = () => {
    if (tab === 'messages') return <MessagesTab log={connection.log} />
    if (!ready) return tab === 'tools' ? <NoTools>{notConnected}</NoTools> : notConnected
    const props: TabProps = { client, view, connection, runs, runStore, targetOf, item: query.get('item'), onSelect }
    if (tab === 'prompts') return <PromptsTab {...props} given={given} />
    return tab === 'resources' ? <ResourcesTab {...props} /> : <ToolsTab {...props} drafts={drafts} />
  }
  return (
    <Tabs
      label="What to try"
      tabs={tabsOf(ready ? view : null)}
      selected={tab}
      onSelect={(id) => setQuery({ tab: id, item: items[id as TabId] ?? null })}
    >
      {content()}
    </Tabs>
  )
}

/** With counts, once they are known. */
function tabsOf(view: ConnectionView | null) {
  const { tools, prompts, resources, templates } = view?.lists ?? {}
  const count = (...lists: ({ items: unknown[] } | undefined)[]) =>
    view === null ? {} : { count: lists.reduce((sum, list) => sum + (list?.items.length ?? 0), 0) }
  return [
    { id: 'tools', label: 'Tools', ...count(tools) },
    { id: 'prompts', label: 'Prompts', ...count(prompts) },
    { id: 'resources', label: 'Resources', ...count(resources, templates) },
    { id: 'messages', label: 'Messages' },
  ]
}
