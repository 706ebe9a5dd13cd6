import type { ConnectionObserver, ListName, LogEntry, Progress } from './connection'
import { type JsonObject, objectOf, textOf } from './json'
import type { Notification } from './message'

/** Notifications that say the same in both eras, and what they mean. */

export function logEntryOf(params: JsonObject): LogEntry {
  return { at: Date.now(), level: textOf(params.level) ?? 'info', logger: textOf(params.logger), data: params.data }
}

export function progressOf(params: JsonObject): Progress | null {
  if (typeof params.progress !== 'number') return null
  return {
    progress: params.progress,
    total: typeof params.total === 'number' ? params.total : null,
    message: textOf(params.message),
  }
}

const LISTS: Record<string, ListName> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
}

/** Tells of a change, if it is one. */
export function tellChange({ method, params }: Notification, observer: ConnectionObserver) {
  const list = LISTS[method]
  if (list) observer.onListChanged?.(list)
  const uri = textOf(objectOf(params).uri)
  if (method === 'notifications/resources/updated' && uri !== null) observer.onResourceUpdated?.(uri)
}
