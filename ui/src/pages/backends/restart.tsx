import { useState } from 'react'
import { restartTarget, textOf } from '../../api/client'
import type { Backend, Target } from '../../api/types'
import { Button } from '../../parts/button'
import { useToasts } from '../../parts/toasts'

/** Starts a target's process or connection anew, now. */
export function RestartButton({ backend, target }: { backend: Backend; target: Target }) {
  const [busy, setBusy] = useState(false)
  const toasts = useToasts()
  const restart = async () => {
    setBusy(true)
    try {
      await restartTarget(backend.key, target.name)
      toasts.show({
        tone: 'ok',
        text: (
          <>
            Restarting <code>{target.name}</code>
          </>
        ),
      })
    } catch (error) {
      toasts.show({
        tone: 'bad',
        text: (
          <>
            <code>{target.name}</code> was not restarted. {textOf(error)}
          </>
        ),
      })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button size="small" icon="restart" busy={busy} onClick={restart} aria-label={`Restart ${target.name}`}>
      Restart
    </Button>
  )
}
