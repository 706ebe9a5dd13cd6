import { useStatus } from '../../api/live'
import type { EditReport } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Loading } from '../../parts/loading'
import { Page } from '../../parts/page'
import { Tabs } from '../../parts/tabs'
import { setQuery, useLeaveGuard, usePlace } from '../../router'
import './configuration.css'
import { isChanged } from './draft'
import { Effective } from './effective'
import { FilePanel } from './file-panel'
import { FileState } from './file-state'
import { TargetsPanel } from './targets-panel'
import { useFile } from './use-file'

const tabs = [
  { id: 'file', label: 'File' },
  { id: 'in-force', label: 'In force' },
]

/** The configuration file, to be read and changed, and what the gateway made of it. */
export default function ConfigurationPage() {
  const file = useFile()
  const status = useStatus()
  const { query } = usePlace()
  const { draft, failure, reload } = file
  const changed = isChanged(draft)
  const working = { text: draft.text, take: ({ text }: EditReport) => file.dispatch({ kind: 'type', text }) }
  useLeaveGuard(changed ? 'Your changes to the configuration are not saved. Leave and lose them?' : null)
  return (
    <Page
      title="Configuration"
      lead={draft.file && <FileState file={draft.file} status={status?.config ?? null} changed={changed} />}
    >
      {failure !== null && (
        <Banner tone="bad" title="The configuration could not be read" actions={<Button onClick={() => void reload()}>Try again</Button>}>
          {failure}
        </Banner>
      )}
      <Tabs
        label="Views of the configuration"
        tabs={tabs}
        selected={query.get('tab') === 'in-force' ? 'in-force' : 'file'}
        onSelect={(id) => setQuery({ tab: id === 'file' ? null : id })}
      >
        {query.get('tab') === 'in-force' ? (
          <Effective />
        ) : draft.file === null ? (
          failure === null && <Loading />
        ) : (
          <div className="configuration">
            <FilePanel {...file} file={draft.file} />
            <TargetsPanel working={changed ? working : undefined} onClosed={() => void reload()} />
          </div>
        )}
      </Tabs>
    </Page>
  )
}
