import type { CheckReport } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Dialog } from '../../parts/dialog'
import { Diff } from '../../parts/diff'
import { counted } from '../../parts/format'
import { Loading } from '../../parts/loading'
import { RestartKeys } from './restart-keys'

interface ReviewProps {
  open: boolean
  onClose: () => void
  /** Null while the server is at it. */
  report: CheckReport | null
  saving: boolean
  /** Whether something else has to be decided first. */
  blocked: boolean
  onSave: () => void
}

/** What a save would change, before it does. */
export function Review({ open, onClose, report, saving, blocked, onSave }: ReviewProps) {
  const clean = report !== null && report.faults.length === 0 && report.diff !== ''
  return (
    <Dialog
      title="Review changes"
      wide
      open={open}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" icon="save" busy={saving} disabled={!clean || blocked} onClick={onSave}>
            Save
          </Button>
        </>
      }
    >
      {report === null ? <Loading>Comparing with the file …</Loading> : <Changes report={report} />}
    </Dialog>
  )
}

function Changes({ report: { faults, restart, diff } }: { report: CheckReport }) {
  return (
    <div className="review">
      {faults.length > 0 && (
        <Banner tone="bad" title={`It cannot be saved yet: ${counted(faults.length, 'fault')}`}>
          What is wrong is marked in the editor, and listed below it.
        </Banner>
      )}
      {restart.length > 0 && (
        <Banner tone="warn" title="Some of it takes effect only at the next start">
          <RestartKeys keys={restart} />
        </Banner>
      )}
      <Diff diff={diff} />
    </div>
  )
}
