import { useState } from 'react'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../../mcp/json'
import { Button } from '../../../parts/button'
import { Code } from '../../../parts/code'
import { Dialog } from '../../../parts/dialog'
import { Field } from '../../../parts/field'
import { counted } from '../../../parts/format'
import { TextArea, TextInput } from '../../../parts/inputs'
import { Segmented } from '../../../parts/segmented'
import type { Asked } from '../asked'
import { PromptMessage } from '../result/output'
import { Text } from '../result/text'
import { Asker } from './asker'

/** A server wants what a model says. Here the person is the model, and may refuse. */
export function SamplingQuestion({ asked }: { asked: Asked }) {
  const { params } = asked.question
  const tools = arrayOf(params.tools).filter(isObject)
  const [form, setForm] = useState<'text' | 'json'>('text')
  const [text, setText] = useState('')
  const [model, setModel] = useState('a-person')
  const content = contentFrom(form, text)
  const answer = () => {
    if (content === null) return
    const stopReason = isToolUse(content) ? 'toolUse' : 'endTurn'
    asked.resolve({ role: 'assistant', content, model, stopReason })
  }
  const actions = (
    <>
      <Button onClick={asked.refuse}>Refuse</Button>
      <Button variant="primary" disabled={content === null} onClick={answer}>
        Answer
      </Button>
    </>
  )
  return (
    <Dialog title="A server asks for a model’s answer" open wide onClose={asked.refuse} actions={actions}>
      <div className="question">
        <Asker asked={asked} wants="wants a language model to answer this. Here you are the model." />
        <Limits params={params} />
        {textOf(params.systemPrompt) !== null && (
          <section>
            <h3 className="question-heading">System prompt</h3>
            <Text text={textOf(params.systemPrompt) ?? ''} label="System prompt" />
          </section>
        )}
        {arrayOf(params.messages)
          .filter(isObject)
          .map((message, index) => (
            <PromptMessage key={index} message={message} />
          ))}
        {tools.length > 0 && <Tools tools={tools} />}
        {tools.length > 0 && (
          <Segmented
            label="Form of the answer"
            options={[
              { value: 'text', label: 'Text' },
              { value: 'json', label: 'Content as JSON' },
            ]}
            value={form}
            onChange={setForm}
          />
        )}
        <Field
          label="Your answer"
          hint={
            form === 'json'
              ? 'A content block, or an array of them: {"type": "tool_use", "id": "1", "name": "…", "input": {}} uses a tool.'
              : undefined
          }
          error={form === 'json' && text !== '' && content === null ? 'This is no content block' : undefined}
          required
        >
          {(control) => (
            <TextArea
              {...control}
              autoFocus
              rows={5}
              className={form === 'json' ? 'mono' : undefined}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <Field label="Name of the model" hint="What the server is told that answered.">
          {(control) => <TextInput {...control} value={model} onChange={(event) => setModel(event.target.value)} />}
        </Field>
      </div>
    </Dialog>
  )
}

function Limits({ params }: { params: JsonObject }) {
  const hints = arrayOf(objectOf(params.modelPreferences).hints).flatMap((hint) => textOf(objectOf(hint).name) ?? [])
  const words = [
    typeof params.maxTokens === 'number' ? `at most ${counted(params.maxTokens, 'token')}` : null,
    typeof params.temperature === 'number' ? `temperature ${params.temperature}` : null,
    hints.length > 0 ? `preferably by ${hints.join(' or ')}` : null,
    arrayOf(params.stopSequences).length > 0 ? `to stop at ${JSON.stringify(params.stopSequences)}` : null,
  ].filter((word) => word !== null)
  return words.length === 0 ? null : <p className="question-note">{words.join(', ')}</p>
}

function Tools({ tools }: { tools: JsonObject[] }) {
  return (
    <details>
      <summary>{counted(tools.length, 'tool')} that the answer may use</summary>
      <Code text={JSON.stringify(tools, null, 2)} language="json" wrap label="Tools" />
    </details>
  )
}

/** Null if it is nothing that could be sent. */
function contentFrom(form: 'text' | 'json', text: string): unknown {
  if (form === 'text') return text === '' ? null : { type: 'text', text }
  try {
    const content: unknown = JSON.parse(text)
    const blocks = Array.isArray(content) ? content : [content]
    return blocks.length > 0 && blocks.every((block) => isObject(block) && typeof block.type === 'string') ? content : null
  } catch {
    return null
  }
}

function isToolUse(content: unknown): boolean {
  return [content].flat().some((block) => objectOf(block).type === 'tool_use')
}
