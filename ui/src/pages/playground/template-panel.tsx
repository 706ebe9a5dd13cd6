import { useState } from 'react'
import type { Client } from '../../mcp/client'
import type { ResourceTemplate } from '../../mcp/types'
import { Button } from '../../parts/button'
import { Card } from '../../parts/card'
import { Code } from '../../parts/code'
import { filled, NamedValues } from './named-values'
import { Markdown } from './markdown/markdown'
import { expand, variablesOf } from './uri-template'

interface TemplatePanelProps {
  template: ResourceTemplate
  client: Client
  busy: boolean
  onRead: (uri: string) => void
}

/** Makes a URI out of a template, and reads what is there. */
export function TemplatePanel({ template, client, busy, onRead }: TemplatePanelProps) {
  const { uriTemplate, name, title, description, mimeType } = template
  const [values, setValues] = useState<Record<string, string>>({})
  const uri = expand(uriTemplate, filled(values))
  const names = variablesOf(uriTemplate).map((variable) => ({ name: variable, title: null, description: null, required: false }))
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (!busy) onRead(uri)
      }}
    >
      <Card title={<span className="breakable">{name}</span>} className="tool">
        <div className="tool-words">
          {title !== null && title !== name && <p className="tool-title">{title}</p>}
          {description !== null && <Markdown text={description} />}
          <p className="mono breakable quiet">{uriTemplate}</p>
          {mimeType !== null && <p className="quiet">{mimeType}</p>}
        </div>
        <NamedValues
          names={names}
          values={values}
          onChange={setValues}
          client={client}
          completing={{ type: 'ref/resource', uri: uriTemplate }}
          lacking={[]}
        />
        <Code text={uri} wrap copy label="The address that this makes" />
        <div className="tool-actions">
          <Button type="submit" variant="primary" busy={busy}>
            Read
          </Button>
        </div>
      </Card>
    </form>
  )
}
