import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import { flushSync } from 'react-dom'
import { getCalls, textOf } from '../../api/client'
import { useCalls, useStatus } from '../../api/live'
import type { CallSummary } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Empty } from '../../parts/empty'
import { counted } from '../../parts/format'
import { Link } from '../../parts/link'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { useLoaded } from '../../parts/use-loaded'
import { setQuery, usePlace } from '../../router'
import './activity.css'
import { CallList } from './call-list'
import { CallPanel } from './call-panel'
import { isEmpty, matcher, type Filter } from './filter'
import { Filters } from './filters'
import { usePause } from './use-pause'

const nothing = { text: null, target: null, client: null, method: null, outcome: null }

/** What went through the gateway lately: to be watched, searched, opened, and made again. */
export default function ActivityPage() {
  const loadedAt = useStatus()?.config.loadedAt
  const { value: kept, error, reload } = useLoaded(`kept since ${loadedAt}`, getCalls)
  const { calls, paused, waiting, toggle } = usePause(useCalls())
  const filter = useFilter()
  return (
    <Page
      title="Activity"
      lead="Recent calls, newest first, as they end."
      actions={
        <>
          <span className="activity-count quiet" role="status">
            {paused && waiting > 0 ? `${counted(waiting, 'new call')} waiting` : ''}
          </span>
          <Button icon={paused ? 'play' : 'pause'} onClick={toggle}>
            {paused ? 'Resume' : 'Pause'}
          </Button>
        </>
      }
    >
      {error !== null && (
        <Banner tone="bad" title="The calls could not be loaded" actions={<Button onClick={reload}>Try again</Button>}>
          {textOf(error)}
        </Banner>
      )}
      {kept?.keep === 0 ? (
        <Off />
      ) : calls.length === 0 ? (
        kept === null ? error === null && <Loading /> : <Quiet />
      ) : (
        <Calls calls={calls} filter={filter} keep={kept?.keep ?? calls.length} />
      )}
    </Page>
  )
}

function Calls({ calls, filter, keep }: { calls: CallSummary[]; filter: Filter; keep: number }) {
  const { query } = usePlace()
  const opened = Number(query.get('call')) || null
  const [focus, setFocus] = useState(0)
  // Typing stays quick: the list follows when there is time.
  const sought = useDeferredValue(filter)
  const found = useMemo(() => (isEmpty(sought) ? calls : calls.filter(matcher(sought))), [calls, sought])
  const open = useCallback((id: number) => setQuery({ call: String(id) }), [])
  const close = () => {
    setFocus(0)
    // Where the opened call takes the place of the list, the row has to be back before it can take the focus.
    flushSync(() => setQuery({ call: null }))
    document.querySelector<HTMLElement>(`[data-call="${opened}"]`)?.focus()
  }
  const change = (changes: Partial<Filter>) =>
    setQuery(Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value || null])))
  return (
    <>
      <Filters calls={calls} filter={filter} onChange={change} onClear={() => setQuery(nothing)} />
      <div className={opened === null ? 'activity' : 'activity activity-opened'}>
        {found.length > 0 ? (
          <CallList
            calls={found}
            opened={opened}
            onOpen={open}
            onEnter={(id) => {
              open(id)
              setFocus((count) => count + 1)
            }}
            onClose={close}
          />
        ) : (
          <Empty title="No call matches" action={<Button onClick={() => setQuery(nothing)}>Show all calls</Button>}>
            None of the {counted(calls.length, 'recent call')} is what the filter looks for.
          </Empty>
        )}
        {opened !== null && (
          <CallPanel
            id={opened}
            summary={calls.find(({ id }) => id === opened)}
            keep={keep}
            focus={focus}
            onClose={close}
          />
        )}
      </div>
    </>
  )
}

function Off() {
  return (
    <Empty title="Calls are not recorded" action={<Link to="configuration">Open the configuration</Link>}>
      <code>config.activity.calls</code> is 0. Set it to how many calls the gateway should keep in memory, such as 500. It takes effect when the file is saved.
    </Empty>
  )
}

function Quiet() {
  return (
    <Empty title="No calls yet" action={<Link to="playground">Try a tool in the playground</Link>}>
      As soon as a client calls a tool, gets a prompt or reads a resource, it is here.
    </Empty>
  )
}

/** The filter stands in the address, so that it can be kept and passed on. */
function useFilter(): Filter {
  const { query } = usePlace()
  const of = (name: string) => query.get(name) ?? ''
  const [text, target, client, method, outcome] = [of('text'), of('target'), of('client'), of('method'), of('outcome')]
  return useMemo(() => ({ text, target, client, method, outcome }), [text, target, client, method, outcome])
}
