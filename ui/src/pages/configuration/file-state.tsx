import type { ConfigFile, ConfigStatus } from '../../api/types'
import { Badge } from '../../parts/badge'
import { Time } from '../../parts/time'

const sources: Record<ConfigFile['source'], string> = {
  file: 'A file',
  stdin: 'Read from standard input',
  inline: 'Given on the command line',
  default: 'The built-in example',
}

/** Which file it is, and whether what it says is what the gateway does. */
export function FileState({ file, status, changed }: { file: ConfigFile; status: ConfigStatus | null; changed: boolean }) {
  return (
    <div className="file-state">
      {file.path === null ? <span>{sources[file.source]}</span> : <span className="mono breakable">{file.path}</span>}
      {file.problem ? <Badge tone="bad">Not in force</Badge> : <Badge tone="ok">In force</Badge>}
      {status && (
        <span className="quiet">
          {file.problem ? 'what is in force was read ' : 'since '}
          <Time at={status.loadedAt} />
        </span>
      )}
      {!file.writable && <Badge tone="quiet">Read-only</Badge>}
      {changed && <Badge tone="info">Unsaved changes</Badge>}
    </div>
  )
}
