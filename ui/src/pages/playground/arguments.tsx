import { JsonEditor } from '../../editor/json-editor'
import { Segmented } from '../../parts/segmented'
import './arguments.css'
import type { FieldFault } from './form/check'
import { type Draft, rawOf, rawProblem, withRaw, withValue } from './form/draft'
import type { Schema } from './form/schema'
import { SchemaForm } from './form/schema-form'

interface ArgumentsProps {
  schema: Schema
  draft: Draft
  faults: FieldFault[]
  onChange: (draft: Draft) => void
}

/** A tool's arguments, as fields or as JSON text. */
export function Arguments({ schema, draft, faults, onChange }: ArgumentsProps) {
  const problem = draft.mode === 'raw' ? rawProblem(draft) : null
  return (
    <section className="arguments" aria-label="Arguments">
      <div className="arguments-head">
        <h3>Arguments</h3>
        <Segmented
          label="How arguments are filled in"
          options={[
            { value: 'form', label: 'Form' },
            { value: 'raw', label: 'JSON' },
          ]}
          value={draft.mode}
          onChange={(mode) => onChange({ ...draft, mode })}
        />
      </div>
      {draft.mode === 'form' ? (
        <SchemaForm
          schema={schema}
          value={draft.value}
          faults={faults}
          onChange={(value) => onChange(withValue(draft, value))}
          empty="This tool takes no arguments."
        />
      ) : (
        <>
          <JsonEditor label="Arguments as JSON" value={rawOf(draft)} onChange={(raw) => onChange(withRaw(draft, raw))} minLines={6} />
          {problem !== null && (
            <p className="field-error" role="status">
              {problem}
            </p>
          )}
        </>
      )}
    </section>
  )
}
