import { useId, type ReactNode } from 'react'
import './field.css'
import { Icon } from './icon'

/** What a control needs so that its label, hint and error belong to it. */
export interface ControlProps {
  id: string
  'aria-describedby'?: string
  'aria-invalid'?: true
  required?: boolean
}

interface FieldProps {
  label: ReactNode
  hint?: ReactNode
  error?: ReactNode
  required?: boolean
  children: (props: ControlProps) => ReactNode
}

export function Field({ label, hint, error, required = false, children }: FieldProps) {
  const id = useId()
  const hasError = error !== undefined && error !== null && error !== false && error !== ''
  const hasHint = hint !== undefined && hint !== null && hint !== ''
  const described = [hasHint && `${id}-hint`, hasError && `${id}-error`].filter((part) => part !== false).join(' ')
  const props: ControlProps = { id }
  if (described) props['aria-describedby'] = described
  if (hasError) props['aria-invalid'] = true
  if (required) props.required = true
  return (
    <div className="field">
      <div className="field-label">
        <label htmlFor={id}>{label}</label>
        {required && (
          <span className="field-required" aria-hidden="true">
            required
          </span>
        )}
      </div>
      {children(props)}
      {hasHint && (
        <div className="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {hasError && (
        <div className="field-error" id={`${id}-error`}>
          <Icon name="error" />
          <span>{error}</span>
        </div>
      )}
    </div>
  )
}
