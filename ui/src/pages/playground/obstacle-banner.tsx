import type { Route } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { BrowserAccess } from './browser-access'
import type { Obstacle } from './obstacle'
import './obstacle-banner.css'

interface ObstacleBannerProps {
  obstacle: Obstacle
  route: Route
  onConnect: () => void
  /** The page will be let in soon. */
  onSaved: () => void
}

/** What keeps from connecting, and what to do about it. */
export function ObstacleBanner(props: ObstacleBannerProps) {
  return (
    <div className="obstacle">
      <Explained {...props} />
    </div>
  )
}

function Explained({ obstacle, route, onConnect, onSaved }: ObstacleBannerProps) {
  switch (obstacle.kind) {
    case 'origin':
      return <BrowserAccess key={route.key} route={route} onSaved={onSaved} />
    case 'gateway':
      return (
        <Banner tone="bad" title="The gateway does not answer">
          Nothing can be called until it is back. This page will notice by itself.
        </Banner>
      )
    case 'other':
      return (
        <Banner tone="bad" title="There is no connection" actions={<Button onClick={onConnect}>Try again</Button>}>
          <p>{obstacle.text}</p>
          {obstacle.advice !== null && <p>{obstacle.advice}</p>}
        </Banner>
      )
  }
}
