import { useId, type ReactNode } from 'react'
import { Button } from '../../../parts/button'
import { Field, type ControlProps } from '../../../parts/field'
import { Icon } from '../../../parts/icon'
import { useFault } from './faults'
import { type Shape } from './schema'
import type { ValueFieldProps } from './value-field'
import { wordsFor } from './words'

interface LabelledProps extends Pick<ValueFieldProps, 'name' | 'path' | 'required' | 'value' | 'onChange'> {
  shape: Shape
  children: (props: ControlProps) => ReactNode
}

/** A control with its name, what may stand in it, and what is wrong with it. */
export function Labelled({ name, path, required, value, onChange, shape, children }: LabelledProps) {
  const fault = useFault(path, name)
  return (
    <Field label={<Name name={name} title={shape.title} />} hint={<Hint shape={shape} />} error={fault} required={required}>
      {(props) => (
        <div className="form-control">
          {children(props)}
          {shape.nullable && <NullSwitch name={name} value={value} onChange={onChange} />}
        </div>
      )}
    </Field>
  )
}

interface GroupProps extends Pick<ValueFieldProps, 'name' | 'required'> {
  /** Null if what is inside tells what is wrong. */
  path: string | null
  shape: Shape
  actions?: ReactNode
  children: ReactNode
}

/** Several controls that make one value. */
export function Group({ name, path, required, shape, actions, children }: GroupProps) {
  const fault = useFault(path, name)
  const id = useId()
  const hint = <Hint shape={shape} />
  return (
    <fieldset className="form-group" aria-describedby={`${id}-hint ${id}-fault`}>
      <legend>
        <Name name={name} title={shape.title} />
        {required && <span className="field-required">required</span>}
        {actions}
      </legend>
      <div className="field-hint" id={`${id}-hint`}>
        {hint}
      </div>
      {fault !== null && (
        <div className="field-error" id={`${id}-fault`} tabIndex={-1} data-fault>
          <Icon name="error" />
          <span>{fault}</span>
        </div>
      )}
      <div className="form-fields">{children}</div>
    </fieldset>
  )
}

/** The server's name for it, and its title where that says more. */
function Name({ name, title }: { name: string; title: string | null }) {
  const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
  return (
    <>
      <span className="mono">{name}</span>
      {title !== null && plain(title) !== plain(name) && <span className="form-title"> {title}</span>}
    </>
  )
}

function Hint({ shape }: { shape: Shape }) {
  const words = wordsFor(shape)
  if (shape.description === null && words === '') return null
  return (
    <>
      {shape.description !== null && <span className="form-description">{shape.description}</span>}
      {words !== '' && <span className="form-words">{words}</span>}
    </>
  )
}

function NullSwitch({ name, value, onChange }: Pick<ValueFieldProps, 'name' | 'value' | 'onChange'>) {
  const isNull = value === null
  return (
    <Button
      size="small"
      variant={isNull ? 'default' : 'quiet'}
      className="mono"
      aria-label={`${name} is null`}
      aria-pressed={isNull}
      onClick={() => onChange(isNull ? undefined : null)}
    >
      null
    </Button>
  )
}
