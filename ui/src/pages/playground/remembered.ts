import type { Era } from '../../mcp/connection'
import { objectOf } from '../../mcp/json'

/** What this tab was connected to, so that a reload keeps one's place. Nothing secret is in it. */
interface Place {
  route: string
  era: Era
}

const KEY = 'playground.connected'

export function rememberPlace(place: Place) {
  sessionStorage.setItem(KEY, JSON.stringify(place))
}

export function forgetPlace() {
  sessionStorage.removeItem(KEY)
}

export function wasConnected({ route, era }: Place): boolean {
  try {
    const place = objectOf(JSON.parse(sessionStorage.getItem(KEY) ?? 'null'))
    return place.route === route && place.era === era
  } catch {
    return false
  }
}
