import type { RemoteSpec, TargetSpec } from '../../api/types'
import { joinCommand, splitCommand } from './command-line'

/** A target as the form holds it: everything that was typed, for each way to reach it, so that nothing is lost by a look at another. */
export interface TargetDraft {
  name: string
  kind: 'stdio' | 'mcp' | 'sse'
  command: string
  env: { name: string; value: string }[]
  /** A text is a variable that decides it. */
  clearEnv: boolean | string
  cwd: string
  host: string
  /** Whether the file has host, port and path apart, and not as one URL. */
  inPieces: boolean
  port: string
  path: string
}

export type DraftErrors = Partial<Record<'name' | 'command' | 'env' | 'host' | 'port', string>>

export const emptyDraft: TargetDraft = {
  name: '',
  kind: 'stdio',
  command: '',
  env: [],
  clearEnv: false,
  cwd: '',
  host: '',
  inPieces: false,
  port: '',
  path: '',
}

export function draftOf({ name, stdio, mcp, sse }: TargetSpec): TargetDraft {
  if (stdio !== undefined) {
    return {
      ...emptyDraft,
      name,
      kind: 'stdio',
      command: joinCommand([stdio.cmd, ...(stdio.args ?? [])]),
      env: Object.entries(stdio.env ?? {}).map(([key, value]) => ({ name: key, value })),
      clearEnv: stdio.clear_env ?? false,
      cwd: stdio.cwd ?? '',
    }
  }
  const { host, port, path } = mcp ?? sse ?? { host: '' }
  return {
    ...emptyDraft,
    name,
    kind: mcp === undefined ? 'sse' : 'mcp',
    host,
    inPieces: port !== undefined || path !== undefined,
    port: port === undefined ? '' : String(port),
    path: path ?? '',
  }
}

/** What is meant, with only the keys that say something. The gateway checks it as well; this is for quick words beside the field. */
export function specOf(draft: TargetDraft): TargetSpec {
  const name = draft.name.trim()
  if (draft.kind === 'stdio') return { name, stdio: stdioOf(draft) }
  const remote: RemoteSpec = { host: draft.host.trim() }
  if (draft.inPieces) {
    if (draft.port.trim() !== '') remote.port = isVariable(draft.port) ? draft.port.trim() : Number(draft.port)
    if (draft.path.trim() !== '') remote.path = draft.path.trim()
  }
  return draft.kind === 'mcp' ? { name, mcp: remote } : { name, sse: remote }
}

function stdioOf(draft: TargetDraft): NonNullable<TargetSpec['stdio']> {
  const [cmd = '', ...args] = splitCommand(draft.command).words
  const env = draft.env.filter((each) => each.name.trim() !== '')
  return {
    cmd,
    ...(args.length > 0 && { args }),
    ...(env.length > 0 && { env: Object.fromEntries(env.map((each) => [each.name.trim(), each.value])) }),
    ...(draft.clearEnv !== false && { clear_env: draft.clearEnv }),
    ...(draft.cwd.trim() !== '' && { cwd: draft.cwd.trim() }),
  }
}

/** `others` are the names that are taken in the backend. */
export function errorsOf(draft: TargetDraft, others: string[]): DraftErrors {
  const errors: DraftErrors = {}
  const name = nameError(draft.name.trim(), others)
  if (name !== null) errors.name = name
  if (draft.kind === 'stdio') {
    const { words, unclosed } = splitCommand(draft.command)
    if (words.length === 0) errors.command = 'Type the command that starts the server.'
    else if (unclosed) errors.command = 'A quote is not closed.'
    const names = draft.env.map((each) => each.name.trim())
    const twice = names.find((each, index) => each !== '' && names.indexOf(each) !== index)
    if (twice !== undefined) errors.env = `${twice} is there twice.`
    else if (draft.env.some((each) => each.name.trim() === '' && each.value !== '')) errors.env = 'A variable has no name.'
  } else {
    if (draft.host.trim() === '') errors.host = draft.inPieces ? 'Type the name of the host.' : 'Type the URL of the server.'
    else if (!draft.inPieces && !/^(https?:\/\/|\$)/.test(draft.host.trim()))
      errors.host = 'A URL begins with http:// or https://.'
    const port = Number(draft.port)
    if (draft.inPieces && !isVariable(draft.port) && !(Number.isInteger(port) && port > 0 && port < 65_536))
      errors.port = 'A port is a number from 1 to 65535.'
  }
  return errors
}

function isVariable(text: string): boolean {
  return text.includes('$')
}

function nameError(name: string, others: string[]): string | null {
  if (name === '') return 'Type a name; it stands before the names of the tools.'
  if (others.includes(name)) return 'Another target of this backend has this name.'
  if (/[_+]/.test(name))
    return `A name holds no ${name.includes('_') ? '_' : '+'}, which stands between it and the names of its items. Use - instead.`
  if (!/^[a-z]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    return 'A name is made of lower-case letters, digits, - and ., with a letter first and a letter or digit last.'
  }
  return null
}
