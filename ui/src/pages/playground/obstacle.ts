import type { Connection } from '../../api/live'
import type { Route } from '../../api/types'
import { codes, type Failure } from '../../mcp/failure'

/** What keeps a person from connecting, as what has to be done about it. */
export type Obstacle =
  /** The route does not allow pages of this origin. */
  | { kind: 'origin' }
  /** The gateway itself is away; it will be back or not. */
  | { kind: 'gateway' }
  /** Words, and what may help. */
  | { kind: 'other'; text: string; advice: string | null }

interface Circumstances {
  route: Route
  failure: Failure | null
  connection: Connection
  /** Whether a token is sent. */
  token: boolean
}

export function obstacleOf({ route, failure, connection, token }: Circumstances): Obstacle | null {
  if (connection === 'lost') return { kind: 'gateway' }
  if (!route.allowsPage && (failure === null || failure.kind === 'unreachable')) return { kind: 'origin' }
  if (failure === null) return null
  return { kind: 'other', text: failure.message, advice: adviceOf(failure, route, token) }
}

function adviceOf(failure: Failure, { endpoint }: Route, token: boolean): string | null {
  switch (failure.kind) {
    case 'unreachable':
      if (token)
        return 'The browser may not have let the token through: it travels in the header `Authorization`, which the CORS policy of the route has to name in `allowHeaders`.'
      if (endpoint.scheme === 'https')
        return 'If its certificate is not one that the browser trusts, open the URL in a tab once and accept it there.'
      return 'The gateway is running, so something between it and this browser keeps the request away: another address than the one that it listens on, a proxy, or a firewall.'
    case 'http':
      if (failure.status === 401 || failure.status === 403)
        return 'A bearer token may be needed: there is a field for it in the settings of the Routes panel.'
      if (failure.status === 404)
        return 'No route takes this path. Does the configuration match on a path or a header that browsers do not send?'
      return null
    case 'rpc':
      return failure.code === codes.unsupportedVersion ? 'Choose the other protocol era.' : null
    case 'session':
      return 'It was ended, or the gateway has started again. Connect to begin a new one.'
    default:
      return null
  }
}
