import { useRef, useState } from 'react'
import { textOf } from '../../../mcp/json'
import { Button } from '../../../parts/button'
import { Dialog } from '../../../parts/dialog'
import type { Asked } from '../asked'
import { checkValue, type FieldFault } from '../form/check'
import { newDraft } from '../form/draft'
import { schemaOf } from '../form/schema'
import { SchemaForm } from '../form/schema-form'
import { Asker } from './asker'

/** Elicitation by form. The person may also decline, which the server hears, or leave it open. */
export function FormQuestion({ asked }: { asked: Asked }) {
  const { params } = asked.question
  const schema = schemaOf(params.requestedSchema)
  const [content, setContent] = useState(() => newDraft(schema).value)
  const [faults, setFaults] = useState<FieldFault[]>([])
  const form = useRef<HTMLFormElement>(null)
  const accept = () => {
    const found = checkValue(schema, content)
    setFaults(found)
    if (found.length === 0) asked.resolve({ action: 'accept', content })
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid], [data-fault]')?.focus())
  }
  const actions = (
    <>
      <Button variant="quiet" onClick={() => asked.resolve({ action: 'cancel' })}>
        Cancel
      </Button>
      <Button onClick={() => asked.resolve({ action: 'decline' })}>Decline</Button>
      <Button variant="primary" onClick={accept}>
        Accept
      </Button>
    </>
  )
  return (
    <Dialog title="A server asks" open onClose={() => asked.resolve({ action: 'cancel' })} actions={actions}>
      <form
        ref={form}
        className="question"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          accept()
        }}
      >
        <Asker asked={asked} wants="wants to know:" />
        <p className="question-message">{textOf(params.message)}</p>
        <SchemaForm
          schema={schema}
          value={content}
          faults={faults}
          onChange={(next) => {
            setContent(next)
            // Once they were looked for, they go as they are mended.
            if (faults.length > 0) setFaults(checkValue(schema, next))
          }}
          empty="There is nothing to fill in: accept or decline."
        />
        <p className="question-note">Do not enter passwords or keys here: the answer goes through every server in between.</p>
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
