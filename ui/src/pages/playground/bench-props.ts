import type { Client } from '../../mcp/client'
import type { ConnectionStore, ConnectionView } from './connection-store'
import type { Run, RunStore } from './run-store'
import type { TargetOf } from './use-targets'

/** What each tab works with, once there is a connection. */
export interface TabProps {
  client: Client
  view: ConnectionView
  connection: ConnectionStore
  /** The last requests, newest first. */
  runs: Run[]
  runStore: RunStore
  targetOf: TargetOf
  /** The id of the selected item; null while none is. */
  item: string | null
  onSelect: (id: string) => void
}
