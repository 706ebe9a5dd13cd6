import { arrayOf, isObject, type JsonObject, objectOf, sameJson, textOf } from '../../../mcp/json'
import { blocksOf, contentsOf, type ContentBlock } from '../../../mcp/types'
import { Banner } from '../../../parts/banner'
import { Code } from '../../../parts/code'
import type { RunMethod } from '../run-store'
import { Block } from './block'
import { Contents } from './contents'

/** A result by what was asked for. */
export function Output({ method, result }: { method: RunMethod; result: JsonObject }) {
  switch (method) {
    case 'tools/call':
      return <ToolOutput result={result} />
    case 'prompts/get':
      return <PromptOutput result={result} />
    case 'resources/read':
      return <ResourceOutput result={result} />
  }
}

function ToolOutput({ result }: { result: JsonObject }) {
  const blocks = blocksOf(result.content ?? [])
  const structured = 'structuredContent' in result
  // Servers repeat it as text for older clients. Once is enough to read.
  const repeated = structured && blocks.some((block) => saysTheSame(block, result.structuredContent))
  return (
    <>
      {result.isError === true && <Banner tone="bad" title="The tool says that it failed" />}
      {blocks.map((block, index) => (
        <Block key={index} block={block} label={blocks.length === 1 ? 'Tool output' : `Part ${index + 1} of the tool output`} />
      ))}
      {structured && (
        <section className="structured">
          <h3>Structured content</h3>
          {repeated ? (
            <p className="quiet">The same as the text above.</p>
          ) : (
            <Code text={JSON.stringify(result.structuredContent, null, 2) ?? ''} language="json" wrap copy label="Structured content" />
          )}
        </section>
      )}
      {blocks.length === 0 && !structured && <p className="quiet">The tool gave nothing back.</p>}
    </>
  )
}

function saysTheSame(block: ContentBlock, value: unknown): boolean {
  if (block.type !== 'text') return false
  try {
    return sameJson(JSON.parse(textOf(block.text) ?? ''), value)
  } catch {
    return false
  }
}

function PromptOutput({ result }: { result: JsonObject }) {
  const messages = arrayOf(result.messages).filter(isObject)
  return (
    <>
      {textOf(result.description) !== null && <p>{textOf(result.description)}</p>}
      {messages.map((message, index) => (
        <PromptMessage key={index} message={message} />
      ))}
      {messages.length === 0 && <p className="quiet">The prompt has no messages.</p>}
    </>
  )
}

/** One message of a conversation: who says it, and what. */
export function PromptMessage({ message }: { message: JsonObject }) {
  const role = textOf(message.role) ?? 'nobody'
  return (
    <section className="prompt-message">
      <h3>{role}</h3>
      {blocksOf(message.content).map((block, index) => (
        <Block key={index} block={block} label={`Message of the ${role}`} />
      ))}
    </section>
  )
}

function ResourceOutput({ result }: { result: JsonObject }) {
  const contents = arrayOf(result.contents).flatMap((raw) => contentsOf(objectOf(raw)) ?? [])
  if (contents.length === 0) return <p className="quiet">The resource is empty.</p>
  return contents.map((each, index) => <Contents key={index} contents={each} />)
}
