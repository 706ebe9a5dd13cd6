import { Suspense, useId, type CSSProperties, type ReactNode } from 'react'
import './editor.css'

interface FrameProps {
  /** Shown as it is until the editor is there. */
  value: string
  className?: string
  minLines: number
  children: (hintId: string) => ReactNode
}

/** What stands around an editor: its border, its height, and how to get out of it, since Tab indents. */
export function Frame({ value, className = '', minLines, children }: FrameProps) {
  const hint = useId()
  return (
    <div className={`editor ${className}`} style={{ '--lines': minLines } as CSSProperties}>
      <div className="editor-frame">
        <Suspense fallback={<pre className="editor-plain">{value}</pre>}>{children(hint)}</Suspense>
      </div>
      <p className="editor-hint" id={hint}>
        <kbd>Tab</kbd> indents. To leave the editor, press <kbd>Esc</kbd>, then <kbd>Tab</kbd>.
      </p>
    </div>
  )
}
