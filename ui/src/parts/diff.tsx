import { useMemo } from 'react'
import './diff.css'
import { linesOf, summaryOf, type DiffLine } from './diff-lines'
import { counted } from './format'

const signs: Record<DiffLine['kind'], string> = { added: '+', removed: '−', same: ' ', hunk: '' }

/** A unified diff. Signs and words tell what colour tells. */
export function Diff({ diff }: { diff: string }) {
  const lines = useMemo(() => linesOf(diff), [diff])
  const { added, removed } = summaryOf(lines)
  if (lines.length === 0) return <p className="quiet">Nothing changes.</p>
  return (
    <figure className="diff">
      <figcaption className="diff-summary">
        {counted(added, 'line')} added, {removed} removed
      </figcaption>
      <div className="diff-lines" tabIndex={0} role="group" aria-label="Changes line by line">
        {lines.map((line, index) => (
          <div key={index} className={`diff-line diff-${line.kind}`}>
            <span className="diff-sign" aria-hidden="true">
              {signs[line.kind]}
            </span>
            <Words line={line} />
          </div>
        ))}
      </div>
    </figure>
  )
}

function Words({ line }: { line: DiffLine }) {
  if (line.kind === 'added') return <ins>{line.text || ' '}</ins>
  if (line.kind === 'removed') return <del>{line.text || ' '}</del>
  return <span>{line.text || ' '}</span>
}
