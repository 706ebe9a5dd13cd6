import { agentgateway, fixture } from './program.mjs'

/** A server in our own binary: there at once, and the same everywhere. */
export const builtin = (name, server = name) => ({ name, stdio: { cmd: agentgateway, args: ['builtin', server] } })

export const kit = (era, name = 'kit') => ({ name, stdio: { cmd: fixture, args: ['stdio', '--era', era] } })

/** A program that says why on standard error, and ends. */
export const failing = (name, words) => ({ name, stdio: { cmd: 'sh', args: ['-c', `echo ${words} >&2; exit 3`] } })

/** One port, one backend. YAML is a superset of JSON, so the lists need no care. */
export const serving = (targets, more = {}) =>
  [
    'config: {adminAddr: "127.0.0.1:0"}',
    'binds:',
    '- port: 0',
    '  listeners:',
    '  - address: 127.0.0.1',
    '    routes:',
    '    - policies: {cors: {allowOrigins: ["*"]}}',
    '      backends:',
    `      - mcp: ${JSON.stringify({ targets, ...more })}`,
    '',
  ].join('\n')
