import { useCallback, useEffect, useMemo, useState } from 'react'
import { useConnection } from '../../api/live'
import { urlOf } from '../../api/names'
import type { Route } from '../../api/types'
import type { Era } from '../../mcp/connection'
import { setQuery, usePlace } from '../../router'
import { ConnectionStore } from './connection-store'
import { useDrafts } from './drafts'
import { newDraft } from './form/draft'
import { schemaOf } from './form/schema'
import { NotConnected } from './not-connected'
import { ObstacleBanner } from './obstacle-banner'
import { obstacleOf } from './obstacle'
import { QuestionDialog } from './question/question-dialog'
import { forgetPlace, rememberPlace, wasConnected } from './remembered'
import { type Replay, takeReplay, textsOf } from './replay'
import { ReadResource } from './result/resource-link'
import { RoutesPanel } from './routes-panel'
import { RunStore } from './run-store'
import { ServerStrip } from './server-strip'
import { settingsStore } from './settings-store'
import { useStore } from './store'
import { useTargets } from './use-targets'
import { WorkbenchTabs } from './workbench-tabs'

/** The word that begins a connection, in each era. */
const BEGIN: Record<Era, string> = { legacy: 'Initialize', modern: 'Discover' }

/** The connection of the page, from choosing a route to its end. There is at least one route. */
export function Workbench({ routes }: { routes: Route[] }) {
  const { query } = usePlace()
  const [connection] = useState(() => new ConnectionStore(settingsStore.get))
  const [runStore] = useState(() => new RunStore())
  const view = useStore(connection)
  const { token } = useStore(settingsStore)
  const live = useConnection()
  const drafts = useDrafts()
  const [given, setGiven] = useState<Record<string, string>>({})
  /** Whether to connect as soon as nothing keeps from it. */
  const [wanted, setWanted] = useState(false)

  const route = routes.find(({ key }) => key === query.get('route')) ?? (routes[0] as Route)
  const era: Era = query.get('era') === 'modern' ? 'modern' : 'legacy'
  const targetOf = useTargets(route, view.lists)
  // A failure of the time before the page was let in says nothing about now.
  const outdated = view.failure?.kind === 'unreachable' && view.destination?.allowed === false && route.allowsPage
  const obstacle = obstacleOf({ route, failure: outdated ? null : view.failure, connection: live, token: token !== '' })

  const connect = useCallback(() => {
    runStore.forget()
    void connection.connect({ route: route.key, url: urlOf(route.endpoint, location.hostname), era, allowed: route.allowsPage })
  }, [connection, runStore, route, era])
  const disconnect = () => {
    forgetPlace()
    runStore.forget()
    connection.disconnect()
  }
  /** Goes over to another route or era, with a connection if there was one. */
  const change = (changes: { route: string; item: null } | { era: Era }) => {
    const connected = view.phase !== 'idle'
    disconnect()
    setQuery(changes)
    setWanted(connected)
  }
  const replay = ({ route, backend, tab, item, args }: Replay) => {
    const to = route ?? routes.find(({ backends }) => backends.some(({ key }) => key === backend))?.key ?? null
    if (tab === 'tools' && args !== undefined) drafts.set(item, newDraft(schemaOf({}), args))
    if (tab === 'prompts') setGiven(textsOf(args))
    setQuery({ replay: null, route: to, tab, item })
  }

  // Once, when one comes here.
  useEffect(() => {
    const call = query.has('replay') ? takeReplay(sessionStorage) : null
    if (call !== null) replay(call)
    setWanted(call !== null || wasConnected({ route: route.key, era }))
  }, [])

  useEffect(() => {
    if (!wanted || obstacle !== null) return
    setWanted(false)
    connect()
  }, [wanted, obstacle, connect])

  useEffect(() => {
    if (view.phase === 'ready') rememberPlace({ route: route.key, era })
  }, [view.phase, route.key, era])

  useEffect(() => {
    const leave = () => connection.disconnect()
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      runStore.cancel()
      leave()
    }
  }, [connection, runStore])

  const { client } = view
  const read = useMemo(() => (client === null ? null : (uri: string) => client.readResource(uri)), [client])
  const ready = view.phase === 'ready' && client !== null
  return (
    <ReadResource value={read}>
      <RoutesPanel
        {...{ routes, route, era, view, connection }}
        onRoute={(key) => change({ route: key, item: null })}
        onEra={(next) => change({ era: next })}
        onConnect={connect}
        onDisconnect={disconnect}
      />
      {obstacle !== null && (!ready || obstacle.kind === 'gateway') && (
        <ObstacleBanner obstacle={obstacle} route={route} onConnect={connect} onSaved={() => setWanted(true)} />
      )}
      {ready && <ServerStrip key={view.exchanges[0]?.id} client={client} again={BEGIN[era]} onAgain={connect} />}
      <WorkbenchTabs
        // What was selected is of one route.
        key={route.key}
        {...{ view, connection, runStore, targetOf, drafts, given }}
        notConnected={<NotConnected view={view} begin={BEGIN[era]} onConnect={connect} />}
      />
      <QuestionDialog asked={view.asked} />
    </ReadResource>
  )
}
