import { useEffect, useState } from 'react'
import type { ResourceContents } from '../../../mcp/types'
import { bytes } from '../../../parts/format'
import { Icon } from '../../../parts/icon'
import { fileName, isBase64, mediaUrl, sizeOf } from './media'
import { Picture, Sound } from './picture'
import { Text } from './text'

/** What a resource holds. */
export function Contents({ contents }: { contents: ResourceContents }) {
  const { uri, mimeType, text, blob } = contents
  return (
    <figure className="contents">
      <figcaption className="contents-head">
        <Icon name="resource" />
        <span className="mono breakable">{uri}</span>
        {mimeType !== null && <span className="quiet">{mimeType}</span>}
      </figcaption>
      {text !== null && <Text text={text} mimeType={mimeType} label={uri} />}
      {text === null && blob !== null && <Blob uri={uri} mimeType={mimeType ?? 'application/octet-stream'} blob={blob} />}
      {text === null && blob === null && <p className="quiet">Neither text nor data.</p>}
    </figure>
  )
}

function Blob({ uri, mimeType, blob }: { uri: string; mimeType: string; blob: string }) {
  const image = mediaUrl('image', mimeType, blob)
  const sound = mediaUrl('audio', mimeType, blob)
  return (
    <>
      {image !== null && <Picture url={image} label={uri} />}
      {sound !== null && <Sound url={sound} label={uri} />}
      <Save uri={uri} blob={blob} />
    </>
  )
}

/** Data that the page cannot show, or that one wants to keep. */
function Save({ uri, blob }: { uri: string; blob: string }) {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    if (!isBase64(blob)) return undefined
    const data = Uint8Array.from(atob(blob.replace(/\s/g, '')), (sign) => sign.charCodeAt(0))
    // Of no type that a browser would open: what a server sends is saved and not run.
    const made = URL.createObjectURL(new window.Blob([data], { type: 'application/octet-stream' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  if (url === null) return <p className="quiet">Data that is not Base64: Raw JSON shows it.</p>
  return (
    <a className="button button-default button-small contents-save" href={url} download={fileName(uri)}>
      <Icon name="save" />
      Save {fileName(uri)} ({bytes(sizeOf(blob))})
    </a>
  )
}
