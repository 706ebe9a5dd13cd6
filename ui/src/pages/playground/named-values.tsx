import type { Client, CompletionRef } from '../../mcp/client'
import { Field } from '../../parts/field'
import { CompletedInput } from './completed-input'

export interface NamedValue {
  name: string
  title: string | null
  description: string | null
  required: boolean
}

interface NamedValuesProps {
  names: NamedValue[]
  values: Record<string, string>
  onChange: (values: Record<string, string>) => void
  client: Client
  /** What they belong to, for the server that completes them. */
  completing: CompletionRef
  /** Names of those that are required and empty, once that was looked for. */
  lacking: string[]
}

/** Texts by name: arguments of a prompt, or variables of a template. */
export function NamedValues({ names, values, onChange, client, completing, lacking }: NamedValuesProps) {
  const completes = client.server.capabilities.completions !== undefined
  return names.map(({ name, title, description, required }) => {
    const { [name]: value = '', ...others } = values
    const known = Object.fromEntries(Object.entries(others).filter(([, text]) => text !== ''))
    return (
      <Field
        key={name}
        label={<span className="mono">{name}</span>}
        hint={description ?? title}
        required={required}
        error={lacking.includes(name) ? `${name} is required` : undefined}
      >
        {(control) => (
          <CompletedInput
            control={control}
            value={value}
            onChange={(next) => onChange({ ...values, [name]: next })}
            complete={completes ? (typed, signal) => client.complete(completing, { name, value: typed }, known, { signal }) : null}
          />
        )}
      </Field>
    )
  })
}

/** Those that are filled in: an empty text is no argument. */
export function filled(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, text]) => text !== ''))
}

export function lackingOf(names: NamedValue[], values: Record<string, string>): string[] {
  return names.filter(({ name, required }) => required && (values[name] ?? '') === '').map(({ name }) => name)
}
