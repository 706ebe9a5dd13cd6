import { LOG_LEVELS, type McpLogLevel } from '../../mcp/connection'
import { Field } from '../../parts/field'
import { Select, TextInput } from '../../parts/inputs'
import type { ConnectionStore } from './connection-store'
import { RootsEditor } from './roots-editor'
import { settingsStore } from './settings-store'
import { useStore } from './store'

/** What rarely needs a look: credentials, the log level, and the roots that servers are told. */
export function ConnectionSettings({ connection, id }: { connection: ConnectionStore; id: string }) {
  const { token, logLevel, roots } = useStore(settingsStore)
  const { client } = useStore(connection)
  const changeLevel = (level: McpLogLevel | null) => {
    settingsStore.change({ logLevel: level })
    // A server that cannot do it says so in the log of messages.
    if (level !== null) client?.setLogLevel(level).catch(() => undefined)
  }
  return (
    <form className="connection-settings" id={id} aria-label="Connection settings" onSubmit={(event) => event.preventDefault()}>
      <Field
        label="Bearer token"
        hint="For a gateway that asks for one. Forgotten when the tab is closed; takes effect with the next connection."
      >
        {(control) => (
          <TextInput
            {...control}
            type="password"
            autoComplete="off"
            value={token}
            onChange={(event) => settingsStore.change({ token: event.target.value.trim() })}
          />
        )}
      </Field>
      <Field label="Log level" hint="What servers are asked to log to us.">
        {(control) => (
          <Select
            {...control}
            value={logLevel ?? ''}
            onChange={({ target }) => changeLevel(LOG_LEVELS.find((level) => level === target.value) ?? null)}
          >
            <option value="">as the server likes</option>
            {LOG_LEVELS.map((level) => (
              <option key={level}>{level}</option>
            ))}
          </Select>
        )}
      </Field>
      <RootsEditor
        roots={roots}
        onChange={(next) => {
          settingsStore.change({ roots: next })
          client?.rootsChanged().catch(() => undefined)
        }}
      />
    </form>
  )
}
