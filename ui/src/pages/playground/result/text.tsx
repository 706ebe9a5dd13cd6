import { useState } from 'react'
import { prettyJson } from '../../../mcp/json'
import { Code } from '../../../parts/code'
import { Segmented } from '../../../parts/segmented'
import { Markdown } from '../markdown/markdown'
import { textKind } from './media'

/** A text as what it is: JSON set out over lines, Markdown set, anything else as it came. */
export function Text({ text, mimeType = null, label }: { text: string; mimeType?: string | null; label: string }) {
  const [view, setView] = useState<'set' | 'source'>('set')
  const kind = textKind(text, mimeType)
  if (kind === 'json') return <Code text={prettyJson(text) ?? text} language="json" wrap copy label={label} />
  if (kind === 'plain') return text === '' ? <p className="quiet">An empty text.</p> : <Code text={text} wrap copy label={label} />
  return (
    <div className="text-markdown">
      <Segmented
        label="How the text is shown"
        options={[
          { value: 'set', label: 'Markdown' },
          { value: 'source', label: 'Source' },
        ]}
        value={view}
        onChange={setView}
      />
      {view === 'set' ? (
        <div className="text-set" tabIndex={0} role="group" aria-label={label}>
          <Markdown text={text} />
        </div>
      ) : (
        <Code text={text} wrap copy label={label} />
      )}
    </div>
  )
}
