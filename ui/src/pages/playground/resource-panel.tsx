import { useState } from 'react'
import { failureOf } from '../../mcp/failure'
import { objectOf } from '../../mcp/json'
import type { Resource } from '../../mcp/types'
import { Badge } from '../../parts/badge'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { bytes, counted } from '../../parts/format'
import { Time } from '../../parts/time'
import type { ConnectionStore, ConnectionView } from './connection-store'
import { Markdown } from './markdown/markdown'

interface ResourcePanelProps {
  uri: string
  /** Null if no list has it. */
  resource: Resource | null
  view: ConnectionView
  connection: ConnectionStore
  busy: boolean
  onRead: () => void
}

export function ResourcePanel({ uri, resource, view, connection, busy, onRead }: ResourcePanelProps) {
  const subscribable = objectOf(view.client?.server.capabilities.resources).subscribe === true
  const facts = [resource?.mimeType ?? null, resource?.size == null ? null : bytes(resource.size)].filter((fact) => fact !== null)
  return (
    <Card title={<span className="mono breakable">{resource?.name ?? uri}</span>} className="tool">
      <div className="tool-words">
        {resource?.title != null && <p className="tool-title">{resource.title}</p>}
        {resource?.description != null && <Markdown text={resource.description} />}
        <p className="mono breakable quiet">{uri}</p>
        {facts.length > 0 && <p className="quiet">{facts.join(', ')}</p>}
      </div>
      <div className="tool-actions">
        <Button variant="primary" busy={busy} onClick={onRead}>
          Read
        </Button>
        {subscribable && <Subscription uri={uri} view={view} connection={connection} />}
      </div>
    </Card>
  )
}

function Subscription({ uri, view, connection }: Pick<ResourcePanelProps, 'uri' | 'view' | 'connection'>) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const subscribed = view.subscribed.includes(uri)
  const update = view.updates[uri]
  const toggle = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await (subscribed ? connection.unsubscribe(uri) : connection.subscribe(uri))
    } catch (thrown) {
      setProblem(failureOf(thrown).message)
    }
    setBusy(false)
  }
  return (
    <>
      <Button busy={busy} onClick={toggle}>
        {subscribed ? 'Unsubscribe' : 'Subscribe'}
      </Button>
      <span role="status">
        {problem !== null && <span className="tool-faults">{problem}</span>}
        {subscribed && update === undefined && <Badge tone="info">Waiting for changes</Badge>}
        {subscribed && update !== undefined && (
          <Badge tone="ok">
            Changed {counted(update.count, 'time')}, last <Time at={new Date(update.at).toISOString()} />
          </Badge>
        )}
      </span>
    </>
  )
}
