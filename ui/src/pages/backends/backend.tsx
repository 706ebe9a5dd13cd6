import { useEffect, useRef } from 'react'
import { backendName, routeName } from '../../api/names'
import type { Backend, Status } from '../../api/types'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { counted, listed } from '../../parts/format'
import { Link } from '../../parts/link'
import { setQuery, usePlace } from '../../router'
import './backend.css'
import type { Wish } from './backends'
import { TargetRow } from './target'

interface BackendCardProps {
  backend: Backend
  status: Status
  onWish: (wish: Wish) => void
}

const prefixes: Record<Backend['prefixMode'], string> = {
  conditional: 'names carry their target if there are several',
  always: 'names always carry their target',
  never: 'names carry their target only if they collide',
}

export function BackendCard({ backend, status, onWish }: BackendCardProps) {
  const { query } = usePlace()
  const start = useRef<HTMLDivElement>(null)
  const meant = query.get('backend') === backend.key
  const opened = meant ? query.get('target') : null
  useEffect(() => {
    if (meant && opened === null) start.current?.scrollIntoView()
    // Where one arrives; what is opened later stays where it is.
  }, [])
  const routes = status.routes.filter((route) => route.backends.some(({ key }) => key === backend.key))
  return (
    <div className="backend-anchor" ref={start}>
      <Card
        title={backendName(backend)}
        actions={
          <Button
            size="small"
            icon="plus"
            aria-label={`Add a target to ${backendName(backend)}`}
            onClick={() => onWish({ kind: 'edit', backend: backend.key, target: null })}
          >
            Add a target
          </Button>
        }
        className="backend"
      >
        <ul className="backend-facts">
          <li>
            <strong>{counted(backend.targets.length, 'target')}</strong>
          </li>
          <li>
            <Link to="sessions">{counted(backend.sessions, 'session')}</Link>
          </li>
          {routes.length > 0 && (
            <li>
              behind <Link to="listeners">{listed(routes.map((route) => routeName(route, status.routes)))}</Link>
            </li>
          )}
          <li>{prefixes[backend.prefixMode]}</li>
          <li>
            {backend.failureMode === 'failOpen'
              ? 'lists go on without a target that is down'
              : 'lists fail while a target is down'}
          </li>
          {backend.statefulMode === 'stateless' && <li>clients get no sessions</li>}
        </ul>
        <ul>
          {backend.targets.map((target) => (
            <TargetRow
              key={target.name}
              backend={backend}
              target={target}
              open={opened === target.name}
              onToggle={(open) => setQuery({ backend: open ? backend.key : null, target: open ? target.name : null })}
              onWish={onWish}
            />
          ))}
        </ul>
      </Card>
    </div>
  )
}
