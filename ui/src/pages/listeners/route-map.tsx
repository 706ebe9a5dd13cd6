import { targetPlace, routeName } from '../../api/names'
import type { Backend, Listener, Route, Status, Target } from '../../api/types'
import { ToneMark } from '../../parts/badge'
import { counted, share } from '../../parts/format'
import { Link } from '../../parts/link'
import { conditionOf } from '../../parts/tone'
import { listenerName } from './listener'
import './route-map.css'

/** A picture that is also a list of lists: from each listener over its routes and their backends to the targets. */
export function RouteMap({ status }: { status: Status }) {
  return (
    <ul className="map">
      {status.listeners.map((listener) => (
        <ListenerNode key={listener.key} listener={listener} status={status} />
      ))}
    </ul>
  )
}

function ListenerNode({ listener, status }: { listener: Listener; status: Status }) {
  const routes = status.routes.filter((route) => route.listener === listener.key)
  return (
    <li>
      <div className="map-node map-listener">
        <span className="map-kind">Listener</span>
        <span className="mono breakable">{listenerName(listener)}</span>
        <span className="map-aside">
          {listener.protocol} on port {listener.port}
        </span>
      </div>
      <ul>
        {routes.map((route) => (
          <RouteNode key={route.key} route={route} status={status} />
        ))}
      </ul>
    </li>
  )
}

function RouteNode({ route, status }: { route: Route; status: Status }) {
  const weights = route.backends.reduce((sum, { weight }) => sum + weight, 0)
  const several = route.backends.length > 1
  return (
    <li>
      <div className="map-node">
        <span className="map-kind">Route</span>
        <span className="breakable">{routeName(route, status.routes)}</span>
        <span className="map-aside breakable">{route.matches.join(', or ')}</span>
      </div>
      <ul>
        {route.backends.map(({ key, weight }) => {
          const backend = status.backends.find((each) => each.key === key)
          const portion = several ? `weight ${weight}, ${share(weight, weights) ?? 'none'}` : null
          return backend === undefined ? null : <BackendNode key={key} backend={backend} portion={portion} />
        })}
      </ul>
    </li>
  )
}

/** `portion` is what it gets of the route's requests, if it shares them with others. */
function BackendNode({ backend, portion }: { backend: Backend; portion: string | null }) {
  return (
    <li>
      <div className="map-node">
        <span className="map-kind">Backend</span>
        <Link to={`backends?${new URLSearchParams({ backend: backend.key })}`}>MCP</Link>
        <span className="map-aside">{portion ?? counted(backend.targets.length, 'target')}</span>
      </div>
      <ul>
        {backend.targets.map((target) => (
          <TargetNode key={target.name} backend={backend} target={target} />
        ))}
      </ul>
    </li>
  )
}

function TargetNode({ backend, target }: { backend: Backend; target: Target }) {
  const { tone, word } = conditionOf(target)
  return (
    <li className={`map-${target.state}`}>
      <div className="map-node map-target">
        <span className="map-state">
          <ToneMark tone={tone} />
          <Link className="mono breakable" to={targetPlace(backend, target)}>
            {target.name}
          </Link>
        </span>
        <span className="map-aside">
          {word}
          {target.peer !== null && target.state === 'ready' && `, ${target.peer.era}`}
        </span>
      </div>
    </li>
  )
}
