import { createContext, useContext, useState } from 'react'
import { failureOf } from '../../../mcp/failure'
import { arrayOf } from '../../../mcp/json'
import { contentsOf, type Resource, type ResourceContents } from '../../../mcp/types'
import { Button } from '../../../parts/button'
import { bytes } from '../../../parts/format'
import { Icon } from '../../../parts/icon'
import { Contents } from './contents'

/** Reads a resource over the connection that is there; null while there is none. */
export const ReadResource = createContext<((uri: string) => Promise<Record<string, unknown>>) | null>(null)

/** A resource that a result points to. It need not be in any list. */
export function ResourceLink({ resource }: { resource: Resource }) {
  const read = useContext(ReadResource)
  const [contents, setContents] = useState<ResourceContents[] | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const open = async () => {
    setBusy(true)
    setFailure(null)
    try {
      const result = await read?.(resource.uri)
      setContents(arrayOf(result?.contents).flatMap((raw) => contentsOf(raw) ?? []))
    } catch (thrown) {
      setFailure(failureOf(thrown).message)
    }
    setBusy(false)
  }
  return (
    <div className="resource-link">
      <div className="resource-link-head">
        <Icon name="link" />
        <strong>{resource.title ?? resource.name}</strong>
        {resource.mimeType !== null && <span className="quiet">{resource.mimeType}</span>}
        {resource.size !== null && <span className="quiet">{bytes(resource.size)}</span>}
        {read !== null && (
          <Button size="small" busy={busy} onClick={open}>
            Read
          </Button>
        )}
      </div>
      <p className="mono breakable quiet">{resource.uri}</p>
      {resource.description !== null && <p>{resource.description}</p>}
      {failure !== null && (
        <p className="resource-link-failure" role="alert">
          It could not be read: {failure}
        </p>
      )}
      {contents?.map((each, index) => (
        <Contents key={index} contents={each} />
      ))}
      {contents?.length === 0 && <p className="quiet">It is empty.</p>}
    </div>
  )
}
