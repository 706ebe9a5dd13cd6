import type { ReactNode } from 'react'
import { objectOf, textOf } from '../../../mcp/json'
import { contentsOf, resourceOf, type ContentBlock } from '../../../mcp/types'
import { Code } from '../../../parts/code'
import { Contents } from './contents'
import { mediaUrl } from './media'
import { Picture, Sound } from './picture'
import { ResourceLink } from './resource-link'
import { Text } from './text'

/** One piece of content, by its type. */
export function Block({ block, label }: { block: ContentBlock; label: string }) {
  return (
    <div className="block">
      {contentOf(block, label)}
      <Audience annotations={objectOf(block.annotations)} />
    </div>
  )
}

function contentOf(block: ContentBlock, label: string): ReactNode {
  const data = textOf(block.data) ?? ''
  const mimeType = textOf(block.mimeType) ?? ''
  const unknown = <Code text={JSON.stringify(block, null, 2)} language="json" wrap copy label={`${label}, of the type ${block.type}`} />
  switch (block.type) {
    case 'text':
      return <Text text={textOf(block.text) ?? ''} label={label} />
    case 'image': {
      const url = mediaUrl('image', mimeType, data)
      return url === null ? unknown : <Picture url={url} label={`Image, ${mimeType}`} />
    }
    case 'audio': {
      const url = mediaUrl('audio', mimeType, data)
      return url === null ? unknown : <Sound url={url} label={`Audio, ${mimeType}`} />
    }
    case 'resource_link': {
      const resource = resourceOf(block)
      return resource === null ? unknown : <ResourceLink resource={resource} />
    }
    case 'resource': {
      const contents = contentsOf(block.resource)
      return contents === null ? unknown : <Contents contents={contents} />
    }
    default:
      return unknown
  }
}

/** Whom the server means it for, if it says. */
function Audience({ annotations }: { annotations: Record<string, unknown> }) {
  const { audience, priority } = annotations
  const words = [
    Array.isArray(audience) && audience.length > 0 ? `for the ${audience.join(' and the ')}` : null,
    typeof priority === 'number' ? `priority ${priority}` : null,
  ].filter((word) => word !== null)
  return words.length === 0 ? null : <p className="block-audience">{words.join(', ')}</p>
}
