import { useState } from 'react'
import { useStatus } from '../../api/live'
import { Empty } from '../../parts/empty'
import { counted } from '../../parts/format'
import { Link } from '../../parts/link'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { BackendCard } from './backend'
import './backends.css'
import { RemoveTargetDialog, TargetDialog } from './target-form'

/** What is asked of a backend; `target` is null where one is to be added. */
export type Wish = { kind: 'edit'; backend: string; target: string | null } | { kind: 'remove'; backend: string; target: string }

/** Every backend with its targets: how they are, what they offer, and what to do about them. */
export function BackendsPage() {
  const status = useStatus()
  const [wish, setWish] = useState<Wish | null>(null)
  if (status === null) {
    return (
      <Page title="Backends">
        <Loading />
      </Page>
    )
  }
  const { backends } = status
  const wished = backends.find(({ key }) => key === wish?.backend)
  const close = () => setWish(null)
  return (
    <Page
      title="Backends"
      lead={
        <ul className="backends-counts">
          <li>{counted(backends.length, 'total backend')}</li>
          <li>{counted(backends.length, 'MCP', 'MCP')}</li>
        </ul>
      }
    >
      {backends.length === 0 && (
        <Empty title="There is no backend" action={<Link to="configuration">Open the configuration</Link>}>
          A backend is a set of MCP servers that clients see as one.
        </Empty>
      )}
      {backends.map((backend) => (
        <BackendCard key={backend.key} backend={backend} status={status} onWish={setWish} />
      ))}
      {wished !== undefined && wish?.kind === 'edit' && <TargetDialog backend={wished} target={wish.target} onClose={close} />}
      {wished !== undefined && wish?.kind === 'remove' && (
        <RemoveTargetDialog backend={wished} target={wish.target} onClose={close} />
      )}
    </Page>
  )
}
