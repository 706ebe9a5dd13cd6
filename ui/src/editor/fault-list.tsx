import type { Fault } from '../api/types'
import { counted, sentence } from '../parts/format'
import { Icon } from '../parts/icon'
import { Prose } from '../parts/prose'
import type { Position } from './yaml-editor'

/** What is wrong, in the order of the file; each leads to its place. Read out when it changes. */
export function FaultList({ faults, onJump }: { faults: Fault[]; onJump: (to: Position) => void }) {
  return (
    <div className="faults" role="status">
      {faults.length > 0 && (
        <>
          <p className="faults-title">{counted(faults.length, 'fault')}</p>
          <ul>
            {faults.map((fault, index) => (
              <li key={index} className="fault">
                <Icon name="error" />
                <div className="fault-words">
                  <p>
                    <Prose text={sentence(fault.message)} />
                  </p>
                  {fault.hint && (
                    <p className="fault-hint">
                      <Prose text={sentence(fault.hint)} />
                    </p>
                  )}
                  <Whereabouts fault={fault} onJump={onJump} />
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

function Whereabouts({ fault: { line, column, path }, onJump }: { fault: Fault; onJump: (to: Position) => void }) {
  if (line === 0) return path ? <p className="fault-place">{path}</p> : null
  return (
    <button type="button" className="fault-place" onClick={() => onJump({ line, column })}>
      Line {line}, column {column}
      {path && <span className="fault-path"> · {path}</span>}
    </button>
  )
}
