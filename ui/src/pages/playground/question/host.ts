export interface Host {
  name: string
  /** What makes it worth a second look; null if nothing does. */
  warning: string | null
}

/** Where a URL leads; null if it is none that a browser should open for a server. */
export function hostOf(url: string): Host | null {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return null
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return null
  return { name: parsed.host, warning: warningFor(parsed) }
}

function warningFor({ protocol, hostname, username, password }: URL): string | null {
  if (username !== '' || password !== '') return 'What stands before the @ in the address is not where it leads.'
  if (hostname.split('.').some((label) => label.startsWith('xn--'))) return 'The name of the host has letters that look like others.'
  const local = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  if (protocol === 'http:' && !local) return 'The connection to it is not encrypted.'
  return null
}
