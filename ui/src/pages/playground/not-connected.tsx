import { Button } from '../../parts/button'
import { Empty } from '../../parts/empty'
import type { ConnectionView } from './connection-store'

interface NotConnectedProps {
  view: ConnectionView
  /** The word that begins a connection. */
  begin: string
  onConnect: () => void
}

/** What stands where a connection is needed and there is none. */
export function NotConnected({ view, begin, onConnect }: NotConnectedProps) {
  const connecting = view.phase === 'connecting'
  return (
    <Empty
      title={connecting ? 'Connecting …' : 'Not connected'}
      action={
        <Button variant="primary" busy={connecting} onClick={onConnect}>
          {begin}
        </Button>
      }
    >
      {connecting ? 'Servers that are just starting may take a moment.' : 'Connect to see what is behind this route, and to try it.'}
    </Empty>
  )
}
