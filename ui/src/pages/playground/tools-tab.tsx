import { useId } from 'react'
import { toolOf, type Tool } from '../../mcp/types'
import { Card } from '../../parts/card'
import { Select } from '../../parts/inputs'
import { Bench } from './bench'
import type { TabProps } from './bench-props'
import type { Drafts } from './drafts'
import { grouped } from './grouping'
import { ItemList } from './item-list'
import { MissingNote } from './missing-note'
import { DiscoveredResult } from './result/discovered'
import { RunResult } from './result/result-panel'
import { isRunning, shownRun } from './run-store'
import { ToolSign } from './tool-marks'
import { ToolPanel } from './tool-panel'

export function ToolsTab({ client, view, runs, runStore, targetOf, item, onSelect, drafts }: TabProps & { drafts: Drafts }) {
  const { tools } = view.lists
  const choice = useId()
  const run = shownRun(runs, 'tools/call', item)
  const found = tools.items.find(({ name }) => name === item)
  const tool = found ?? (item === null ? null : unlisted(item))
  const call = (name: string, args: unknown) => void runStore.start('tools/call', name, (options) => client.callTool(name, args, options))
  const groups = grouped(tools.items, ({ name }) => targetOf('tool', name))
  const items = tools.items.map(({ name, title, description, annotations }) => ({
    ...{ id: name, name, title, description, target: targetOf('tool', name) },
    sign: <ToolSign annotations={annotations} />,
  }))
  return (
    <Bench
      list={
        <ItemList
          title="Available Tools"
          sections={[{ title: null, items }]}
          selected={item}
          onSelect={onSelect}
          empty="This server offers no tools."
        >
          <MissingNote lists={[tools]} failures={[view.listFailures.tools]} />
        </ItemList>
      }
    >
      <div className="tool-choice">
        <label htmlFor={choice}>Tool</label>
        <Select id={choice} value={item ?? ''} onChange={({ target }) => onSelect(target.value)}>
          {item === null && <option value="">Choose a tool …</option>}
          {item !== null && !found && <option value={item}>{item}</option>}
          {groups.map(({ target, items: tools }) => (
            <optgroup key={target} label={target ?? 'Other'}>
              {tools.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
          ))}
        </Select>
      </div>
      {tool === null ? (
        <Card>
          <p className="quiet">Choose a tool to see what it does and to call it.</p>
        </Card>
      ) : (
        <ToolPanel
          key={tool.name}
          tool={tool}
          listed={found !== undefined}
          target={targetOf('tool', tool.name)}
          drafts={drafts}
          busy={runs.some(isRunning)}
          onCall={(args) => call(tool.name, args)}
        />
      )}
      {run !== null && <RunResult run={run} onCancel={() => runStore.cancel()} />}
      {run === null && runs.length === 0 && <DiscoveredResult view={view} targetOf={targetOf} />}
    </Bench>
  )
}

/** A tool that only a name is known of: from a call of before, or an address. */
function unlisted(name: string): Tool | null {
  return toolOf({ name, inputSchema: { type: 'object' } })
}
