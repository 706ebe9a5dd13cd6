import { Button, IconButton } from '../../parts/button'
import { Field } from '../../parts/field'
import { Icon } from '../../parts/icon'
import { Checkbox, TextInput } from '../../parts/inputs'
import { Segmented } from '../../parts/segmented'
import { splitCommand } from './command-line'
import type { DraftErrors, TargetDraft } from './target-draft'

interface TargetFieldsProps {
  draft: TargetDraft
  errors: DraftErrors
  onChange: (changes: Partial<TargetDraft>) => void
}

export function TargetFields({ draft, errors, onChange }: TargetFieldsProps) {
  return (
    <>
      <Field
        label="Name"
        hint={
          <>
            Stands before the names of its tools, as in <code>{draft.name.trim() || 'time'}_get_current_time</code>.
          </>
        }
        error={errors.name}
        required
      >
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            value={draft.name}
            onChange={(event) => onChange({ name: event.target.value })}
          />
        )}
      </Field>
      <div className="field">
        <span className="field-label" aria-hidden="true">
          How to reach it
        </span>
        <Segmented
          label="How to reach it"
          options={[
            { value: 'stdio', label: 'Program' },
            { value: 'mcp', label: 'Streamable HTTP' },
            { value: 'sse', label: 'HTTP+SSE' },
          ]}
          value={draft.kind}
          onChange={(kind) => onChange({ kind })}
        />
      </div>
      {draft.kind === 'stdio' ? (
        <ProgramFields draft={draft} errors={errors} onChange={onChange} />
      ) : (
        <RemoteFields draft={draft} errors={errors} onChange={onChange} />
      )}
    </>
  )
}

function ProgramFields({ draft, errors, onChange }: TargetFieldsProps) {
  const { words } = splitCommand(draft.command)
  return (
    <>
      <Field
        label="Command"
        hint={
          words.length > 1 ? (
            <span className="target-form-words">
              Starts{' '}
              {words.map((word, index) => (
                <code key={index}>{word === '' ? ' ' : word}</code>
              ))}
            </span>
          ) : (
            <>
              The program and its arguments, like <code>npx -y @modelcontextprotocol/server-everything</code>.
            </>
          )
        }
        error={errors.command}
        required
      >
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            value={draft.command}
            onChange={(event) => onChange({ command: event.target.value })}
          />
        )}
      </Field>
      <EnvFields draft={draft} errors={errors} onChange={onChange} />
      <Field label="Folder to start it in" hint="The gateway’s own if this is empty.">
        {(props) => (
          <TextInput {...props} className="mono" value={draft.cwd} onChange={(event) => onChange({ cwd: event.target.value })} />
        )}
      </Field>
      <p className="target-form-note">
        <Icon name="info" />
        <span>
          <code>$NAME</code> in any of these is the gateway’s environment variable of that name: good for secrets, which then stay
          out of the file.
        </span>
      </p>
    </>
  )
}

function EnvFields({ draft, errors, onChange }: TargetFieldsProps) {
  const { env } = draft
  const change = (at: number, changes: Partial<TargetDraft['env'][number]>) =>
    onChange({ env: env.map((each, index) => (index === at ? { ...each, ...changes } : each)) })
  return (
    <fieldset className="target-form-env">
      <legend className="field-label">Environment variables</legend>
      {env.map(({ name, value }, index) => (
        <div key={index} className="target-form-variable">
          <TextInput
            className="mono"
            aria-label={`Name of variable ${index + 1}`}
            placeholder="NAME"
            value={name}
            onChange={(event) => change(index, { name: event.target.value })}
          />
          <TextInput
            className="mono"
            aria-label={`Value of variable ${index + 1}`}
            placeholder="value"
            value={value}
            onChange={(event) => change(index, { value: event.target.value })}
          />
          <IconButton
            label={`Remove variable ${index + 1}`}
            icon="trash"
            onClick={() => onChange({ env: env.filter((_, at) => at !== index) })}
          />
        </div>
      ))}
      {errors.env !== undefined && (
        <p className="field-error" role="alert">
          <Icon name="error" />
          {errors.env}
        </p>
      )}
      <Button size="small" icon="plus" onClick={() => onChange({ env: [...env, { name: '', value: '' }] })}>
        Add a variable
      </Button>
      {typeof draft.clearEnv === 'string' ? (
        <p>
          <code>{draft.clearEnv}</code> decides whether it starts without the gateway’s own environment.
        </p>
      ) : (
        <Checkbox
          label="Start it without the gateway’s own environment"
          checked={draft.clearEnv}
          onChange={(event) => onChange({ clearEnv: event.target.checked })}
        />
      )}
    </fieldset>
  )
}

function RemoteFields({ draft, errors, onChange }: TargetFieldsProps) {
  const path = draft.kind === 'mcp' ? '/mcp' : '/sse'
  if (!draft.inPieces) {
    return (
      <Field
        label="URL"
        hint={
          <>
            A URL without a path means <code>{path}</code>.
          </>
        }
        error={errors.host}
        required
      >
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            inputMode="url"
            placeholder={`https://example.com${path}`}
            value={draft.host}
            onChange={(event) => onChange({ host: event.target.value })}
          />
        )}
      </Field>
    )
  }
  return (
    <div className="target-form-pieces">
      <Field label="Host" error={errors.host} required>
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            value={draft.host}
            onChange={(event) => onChange({ host: event.target.value })}
          />
        )}
      </Field>
      <Field label="Port" error={errors.port} required>
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            inputMode="numeric"
            value={draft.port}
            onChange={(event) => onChange({ port: event.target.value })}
          />
        )}
      </Field>
      <Field label="Path">
        {(props) => (
          <TextInput
            {...props}
            className="mono"
            placeholder={path}
            value={draft.path}
            onChange={(event) => onChange({ path: event.target.value })}
          />
        )}
      </Field>
    </div>
  )
}
