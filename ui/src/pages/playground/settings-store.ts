import type { McpLogLevel } from '../../mcp/connection'
import type { Root } from '../../mcp/types'
import { Store } from './store'

export interface Settings {
  token: string
  /** Null leaves it to the server. */
  logLevel: McpLogLevel | null
  roots: Root[]
}

/** What a person sets for connections. Kept while the tab shows this UI, and written nowhere: the token is a secret. */
class SettingsStore extends Store<Settings> {
  change(changes: Partial<Settings>) {
    this.set(changes)
  }
}

export const settingsStore = new SettingsStore({ token: '', logLevel: 'info', roots: [] })
