import { useState } from 'react'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { CopyButton } from '../../parts/copy-button'
import { Dialog } from '../../parts/dialog'
import { Diff } from '../../parts/diff'

interface ConflictProps {
  /** From their file to my text; null until the server has compared them. */
  diff: string | null
  text: string
  onTakeTheirs: () => void
  onKeepMine: () => void
}

/** Two people wrote the same file. Neither text goes away without a word. */
export function Conflict({ diff, text, onTakeTheirs, onKeepMine }: ConflictProps) {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Banner
        tone="warn"
        title="The file was changed by someone else while you were editing"
        actions={
          <>
            <Button onClick={onKeepMine}>Keep mine</Button>
            <Button onClick={() => setAsking(true)}>Load theirs</Button>
          </>
        }
      >
        Your text is still here, and nothing was overwritten. With “Keep mine”, your next save replaces what they wrote.
      </Banner>
      {diff !== null && (
        <details className="conflict-diff">
          <summary>From their file to your text</summary>
          <Diff diff={diff} />
        </details>
      )}
      <Dialog
        title="Load their file?"
        open={asking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <CopyButton text={text} label="Copy my text" />
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button variant="danger" onClick={onTakeTheirs}>
              Discard mine and load theirs
            </Button>
          </>
        }
      >
        <p>Your unsaved changes go away. If you may need them, copy your text first.</p>
      </Dialog>
    </>
  )
}
