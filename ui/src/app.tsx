import { lazy, Suspense, type ComponentType } from 'react'
import './app.css'
import { Boundary } from './boundary'
import { ConnectionStrip } from './connection'
import { Navigation } from './navigation'
import { BackendsPage } from './pages/backends/backends'
import { ListenersPage } from './pages/listeners/listeners'
import { OverviewPage } from './pages/overview/overview'
import { SessionsPage } from './pages/sessions/sessions'
import { Empty } from './parts/empty'
import { Link } from './parts/link'
import { Loading } from './parts/loading'
import { Page } from './parts/page'
import { usePlace, type PageId } from './router'

const shown: Record<PageId, ComponentType> = {
  '': OverviewPage,
  listeners: ListenersPage,
  backends: BackendsPage,
  playground: lazy(() => import('./pages/playground/playground')),
  sessions: SessionsPage,
  activity: lazy(() => import('./pages/activity/activity')),
  configuration: lazy(() => import('./pages/configuration/configuration')),
}

/** Navigation beside the page that the path names. */
export function App() {
  const { page } = usePlace()
  const Shown = page === null ? Nowhere : shown[page]
  return (
    <div className="app">
      <a className="app-skip" href="#content">
        Skip to content
      </a>
      <Navigation />
      <main className="app-main" id="content" tabIndex={-1}>
        <ConnectionStrip />
        <Boundary key={page}>
          <Suspense fallback={<Loading />}>
            <Shown />
          </Suspense>
        </Boundary>
      </main>
    </div>
  )
}

function Nowhere() {
  return (
    <Page title="No such page">
      <Empty title="There is nothing at this address" action={<Link to="">Go to the overview</Link>}>
        The link that led here may be of another version of the gateway.
      </Empty>
    </Page>
  )
}
