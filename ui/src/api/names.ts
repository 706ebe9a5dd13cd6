import type { Backend, ClientInfo, Route, Status, Target } from './types'

/** A route without a name is known by its place among all of them: `Route 1`. */
export function routeName(route: Route, routes: Route[]): string {
  return route.name ?? `Route ${routes.findIndex(({ key }) => key === route.key) + 1}`
}

/** `MCP: time, everything` */
export function backendName({ targets }: Backend): string {
  return `MCP: ${targets.map(({ name }) => name).join(', ')}`
}

/** A backend by its key; what asks for it may be older than the status. */
export function backendLabel(key: string, backends: Backend[]): string {
  const backend = backends.find((each) => each.key === key)
  return backend === undefined ? key : backendName(backend)
}

export function clientName(client: ClientInfo | null): string {
  return client?.title ?? client?.name ?? 'Unnamed client'
}

/** Where a client connects. An endpoint without a host takes the one that this page came from. */
export function urlOf({ scheme, host, port, path }: Route['endpoint'], hostname: string): string {
  const usual = scheme === 'http' ? 80 : 443
  return `${scheme}://${host ?? hostname}${port === usual ? '' : `:${port}`}${path}`
}

/** What leads to a target, as the file spells it. */
export function reached({ transport }: Target): string {
  return transport.kind === 'stdio' ? transport.command : transport.url
}

/** Every target with the backend it is of. */
export function targetsOf({ backends }: Status): { backend: Backend; target: Target }[] {
  return backends.flatMap((backend) => backend.targets.map((target) => ({ backend, target })))
}

/** Where the page of backends shows one target opened. */
export function targetPlace(backend: Backend, target: Target): string {
  return `backends?${new URLSearchParams({ backend: backend.key, target: target.name })}`
}
