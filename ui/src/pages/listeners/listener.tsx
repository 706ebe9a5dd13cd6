import type { ReactNode } from 'react'
import { backendLabel, routeName, urlOf } from '../../api/names'
import type { Listener, Route, Status } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Card } from '../../parts/card'
import { CopyButton } from '../../parts/copy-button'
import { Link } from '../../parts/link'
import './listener.css'

/** One listener: what it is bound to, and its routes. */
export function ListenerCard({ listener, status }: { listener: Listener; status: Status }) {
  const routes = status.routes.filter((route) => route.listener === listener.key)
  return (
    <Card
      title={
        <>
          Listener <span className="mono">{listenerName(listener)}</span>
        </>
      }
      actions={listener.exposed ? <Badge tone="warn">Open to other machines</Badge> : <Badge tone="ok">This machine only</Badge>}
      className="listener"
    >
      <dl className="listener-facts">
        <Fact name="Address">
          <span className="mono">{listener.address}</span>
        </Fact>
        <Fact name="Port">
          <span className="mono">{listener.port}</span>
        </Fact>
        <Fact name="Protocol">{listener.protocol}</Fact>
        <Fact name="Hostname">
          {listener.hostname === null ? 'every host' : <span className="mono">{listener.hostname}</span>}
        </Fact>
      </dl>
      <ul className="listener-routes">
        {routes.map((route) => (
          <RouteRow key={route.key} route={route} status={status} />
        ))}
      </ul>
    </Card>
  )
}

/** `public`, or `0.0.0.0:3000` of one without a name. */
export function listenerName({ name, address, port }: Listener): string {
  return name ?? `${address.includes(':') ? `[${address}]` : address}:${port}`
}

function RouteRow({ route, status }: { route: Route; status: Status }) {
  const url = urlOf(route.endpoint, location.hostname)
  return (
    <li className="listener-route">
      <div className="listener-route-head">
        <h3>{routeName(route, status.routes)}</h3>
        <Link plain to={`playground?${new URLSearchParams({ route: route.key })}`}>
          Try it in the playground
        </Link>
      </div>
      <dl className="listener-facts listener-facts-wide">
        <Fact name="Clients connect to">
          <span className="listener-url">
            <span className="mono breakable">{url}</span>
            <CopyButton text={url} />
          </span>
        </Fact>
        <Fact name="Takes">
          <ul className="listener-lines">
            {route.matches.map((match) => (
              <li key={match}>{match}</li>
            ))}
            {route.hostnames.length > 0 && (
              <li>
                for <span className="mono">{route.hostnames.join(', ')}</span>
              </li>
            )}
          </ul>
        </Fact>
        <Fact name="Web pages that may call">
          {route.cors === null ? (
            'only the gateway’s own'
          ) : (
            <span className="mono breakable">{route.cors.allowOrigins.join(', ')}</span>
          )}
        </Fact>
        <Fact name={route.backends.length === 1 ? 'Backend' : 'Backends, by weight'}>
          <ul className="listener-lines">
            {route.backends.map(({ key, weight }) => (
              <li key={key}>
                <Link to={`backends?${new URLSearchParams({ backend: key })}`}>{backendLabel(key, status.backends)}</Link>
                {route.backends.length > 1 && <span className="quiet"> weight {weight}</span>}
              </li>
            ))}
          </ul>
        </Fact>
      </dl>
    </li>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
