import { useId, useState } from 'react'
import { useStatus } from '../../api/live'
import { backendLabel, routeName, urlOf } from '../../api/names'
import type { Route } from '../../api/types'
import type { Era } from '../../mcp/connection'
import { Badge } from '../../parts/badge'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { Segmented } from '../../parts/segmented'
import { ConnectionSettings } from './connection-settings'
import type { ConnectionStore, ConnectionView } from './connection-store'
import './routes-panel.css'

interface RoutesPanelProps {
  routes: Route[]
  route: Route
  era: Era
  view: ConnectionView
  connection: ConnectionStore
  onRoute: (key: string) => void
  onEra: (era: Era) => void
  onConnect: () => void
  onDisconnect: () => void
}

/** What to connect to, and how. */
export function RoutesPanel(props: RoutesPanelProps) {
  const { routes, route, era, view, connection, onRoute, onEra, onConnect, onDisconnect } = props
  const [settings, setSettings] = useState(false)
  const settingsId = useId()
  return (
    <Card title="Routes" className="routes">
      <fieldset className="routes-list">
        <legend className="visually-hidden">Route to connect to</legend>
        {routes.map((each) => (
          <RouteChoice
            key={each.key}
            route={each}
            routes={routes}
            checked={each.key === route.key}
            view={view}
            onChoose={() => onRoute(each.key)}
          />
        ))}
      </fieldset>
      <div className="routes-controls">
        <Segmented
          label="Protocol era"
          options={[
            { value: 'legacy', label: 'Legacy · 2025-11-25' },
            { value: 'modern', label: 'Modern · 2026-07-28' },
          ]}
          value={era}
          onChange={onEra}
        />
        {view.phase === 'idle' ? (
          <Button onClick={onConnect}>Connect</Button>
        ) : (
          <Button onClick={onDisconnect}>{view.phase === 'connecting' ? 'Stop connecting' : 'Disconnect'}</Button>
        )}
        <Button
          variant="quiet"
          icon={settings ? 'up' : 'down'}
          aria-expanded={settings}
          aria-controls={settingsId}
          onClick={() => setSettings(!settings)}
        >
          Settings
        </Button>
      </div>
      {settings && <ConnectionSettings connection={connection} id={settingsId} />}
    </Card>
  )
}

interface RouteChoiceProps {
  route: Route
  routes: Route[]
  checked: boolean
  view: ConnectionView
  onChoose: () => void
}

function RouteChoice({ route, routes, checked, view, onChoose }: RouteChoiceProps) {
  const backends = useStatus()?.backends ?? []
  return (
    <label className="route">
      <input type="radio" name="route" checked={checked} onChange={onChoose} />
      <span className="route-name">{routeName(route, routes)}</span>
      <span className="route-url mono breakable">{urlOf(route.endpoint, location.hostname)}</span>
      <span className="route-backends">{route.backends.map(({ key }) => backendLabel(key, backends)).join(' · ')}</span>
      <span className="route-state">{checked && <State view={view} />}</span>
    </label>
  )
}

function State({ view: { phase, stream } }: { view: ConnectionView }) {
  if (phase === 'connecting') return <Badge tone="info">connecting</Badge>
  if (phase === 'idle') return null
  if (stream === 'broken') return <Badge tone="warn">connected, stream lost</Badge>
  return <Badge tone="ok">connected</Badge>
}
