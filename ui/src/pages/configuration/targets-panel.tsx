import { useState } from 'react'
import { backendName, reached } from '../../api/names'
import { useStatus } from '../../api/live'
import type { Backend } from '../../api/types'
import { Button, IconButton } from '../../parts/button'
import { Card } from '../../parts/card'
import type { WorkingText } from '../backends/edit-flow'
import { RemoveTargetDialog, TargetDialog } from '../backends/target-form'

interface TargetsPanelProps {
  /** Set while there are unsaved changes: then edits go into that text. */
  working: WorkingText | undefined
  onClosed: () => void
}

interface Asked {
  backend: Backend
  /** Null adds one. */
  target: string | null
  remove: boolean
}

/** The targets that are in force, to be added to, changed and removed by form. */
export function TargetsPanel({ working, onClosed }: TargetsPanelProps) {
  const backends = useStatus()?.backends ?? []
  const [asked, setAsked] = useState<Asked | null>(null)
  const close = () => {
    setAsked(null)
    onClosed()
  }
  const dialog = asked && { backend: asked.backend, onClose: close, ...(working && { working }) }
  return (
    <Card title="Targets" className="targets-panel">
      {backends.length > 1 && <p className="quiet">Targets of one backend are served together, as one server.</p>}
      {backends.map((backend) => (
        <section key={backend.key} className="targets-backend" aria-label={backendName(backend)}>
          <Targets backend={backend} onAsk={(target, remove) => setAsked({ backend, target, remove })} />
          <Button size="small" icon="plus" onClick={() => setAsked({ backend, target: null, remove: false })}>
            Add target
          </Button>
        </section>
      ))}
      {working && backends.length > 0 && <p className="quiet">You have unsaved changes; edits made here go into your text.</p>}
      {dialog && asked?.remove === true && asked.target !== null && <RemoveTargetDialog {...dialog} target={asked.target} />}
      {dialog && asked?.remove === false && <TargetDialog {...dialog} target={asked.target} />}
    </Card>
  )
}

function Targets({ backend, onAsk }: { backend: Backend; onAsk: (target: string, remove: boolean) => void }) {
  return (
    <ul className="targets-list">
      {backend.targets.map((target) => (
        <li key={target.name} className="targets-row">
          <div className="targets-words">
            <span className="mono">{target.name}</span>
            <span className="targets-way mono" title={reached(target)}>
              {reached(target)}
            </span>
          </div>
          <IconButton size="small" icon="edit" label={`Edit ${target.name}`} onClick={() => onAsk(target.name, false)} />
          <IconButton size="small" icon="trash" label={`Remove ${target.name}`} onClick={() => onAsk(target.name, true)} />
        </li>
      ))}
    </ul>
  )
}
