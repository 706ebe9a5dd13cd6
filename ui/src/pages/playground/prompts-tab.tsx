import { useEffect, useState, type KeyboardEvent } from 'react'
import type { Client } from '../../mcp/client'
import type { Prompt } from '../../mcp/types'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { Bench } from './bench'
import type { TabProps } from './bench-props'
import { ItemList } from './item-list'
import { MissingNote } from './missing-note'
import { filled, lackingOf, NamedValues } from './named-values'
import { Markdown } from './markdown/markdown'
import { RunResult } from './result/result-panel'
import { isRunning, shownRun } from './run-store'

/** `given` are arguments that come from elsewhere, for the prompt that is selected first. */
export function PromptsTab({
  client,
  view,
  runs,
  runStore,
  targetOf,
  item,
  onSelect,
  given,
}: TabProps & { given: Record<string, string> }) {
  const { prompts } = view.lists
  const run = shownRun(runs, 'prompts/get', item)
  const prompt = prompts.items.find(({ name }) => name === item)
  const items = prompts.items.map(({ name, title, description }) => ({
    id: name,
    name,
    title,
    description,
    target: targetOf('prompt', name),
  }))
  const get = (name: string, args: Record<string, string>) =>
    void runStore.start('prompts/get', name, (options) => client.getPrompt(name, args, options))
  return (
    <Bench
      list={
        <ItemList
          title="Available Prompts"
          sections={[{ title: null, items }]}
          selected={item}
          onSelect={onSelect}
          empty="This server offers no prompts."
        >
          <MissingNote lists={[prompts]} failures={[view.listFailures.prompts]} />
        </ItemList>
      }
    >
      {prompt === undefined ? (
        <Card>
          <p className="quiet">
            {item === null ? 'Choose a prompt to see what it takes, and what it becomes.' : `The server lists no prompt ${item}.`}
          </p>
        </Card>
      ) : (
        <PromptPanel
          key={prompt.name}
          prompt={prompt}
          given={given}
          client={client}
          busy={runs.some(isRunning)}
          onGet={(args) => get(prompt.name, args)}
        />
      )}
      {run !== null && <RunResult run={run} onCancel={() => runStore.cancel()} />}
    </Bench>
  )
}

interface PromptPanelProps {
  prompt: Prompt
  given: Record<string, string>
  client: Client
  busy: boolean
  onGet: (args: Record<string, string>) => void
}

function PromptPanel({ prompt, given, client, busy, onGet }: PromptPanelProps) {
  const [values, setValues] = useState(given)
  const [lacking, setLacking] = useState<string[]>([])
  useEffect(() => setLacking((names) => names.filter((name) => (values[name] ?? '') === '')), [values])
  const get = () => {
    const missing = lackingOf(prompt.arguments, values)
    setLacking(missing)
    if (missing.length === 0 && !busy) onGet(filled(values))
  }
  const byKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    get()
  }
  return (
    <form
      noValidate
      onKeyDown={byKey}
      onSubmit={(event) => {
        event.preventDefault()
        get()
      }}
    >
      <Card title={<span className="mono breakable">{prompt.name}</span>} className="tool">
        <div className="tool-words">
          {prompt.title !== null && <p className="tool-title">{prompt.title}</p>}
          {prompt.description !== null && <Markdown text={prompt.description} />}
        </div>
        {prompt.arguments.length === 0 ? (
          <p className="quiet">This prompt takes no arguments.</p>
        ) : (
          <NamedValues
            names={prompt.arguments}
            values={values}
            onChange={setValues}
            client={client}
            completing={{ type: 'ref/prompt', name: prompt.name }}
            lacking={lacking}
          />
        )}
        <div className="tool-actions">
          <Button type="submit" variant="primary" busy={busy}>
            Get prompt
          </Button>
        </div>
      </Card>
    </form>
  )
}
