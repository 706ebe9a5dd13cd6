import { getCatalog } from '../../api/client'
import { urlOf } from '../../api/names'
import type { CallDetail, Route } from '../../api/types'
import { CopyButton } from '../../parts/copy-button'
import { useLoaded } from '../../parts/use-loaded'
import { curlOf } from './curl'
import { paramsOf } from './replay'

/** The call as a command for a shell, if everything that it needs is still known. */
export function CopyCurl({ detail, route }: { detail: CallDetail; route: Route | undefined }) {
  const { era, method, params, backend, item } = detail
  // Only a tool of the modern era may want its arguments in headers.
  const asks = era === 'modern' && method === 'tools/call'
  const { value: catalog, loading } = useLoaded(asks ? backend : null, (signal) => getCatalog(backend, signal))
  if (loading) return null
  if (params === null || paramsOf(detail) === null) return <span className="quiet">No curl: the request was not kept whole.</span>
  if (!route) return <span className="quiet">No curl: no route leads to its backend any more.</span>
  const tool = catalog?.items.find(({ kind, name }) => kind === 'tool' && name === item)
  const url = urlOf(route.endpoint, location.hostname)
  return <CopyButton label="Copy as curl" text={curlOf({ url, era, method, params, inputSchema: tool?.item.inputSchema ?? null })} />
}
