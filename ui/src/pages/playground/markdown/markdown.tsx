import { Fragment, useMemo, type ReactNode } from 'react'
import { type Block, blocksOf } from './blocks'
import './markdown.css'
import { type Span, spansOf } from './spans'

/**
 * Text of a server, set as Markdown. Our own reader of it, because what servers write needs little of the language and nothing of
 * its HTML: whatever it does not know stays text, nothing is loaded, and links lead only to the web.
 */
export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => blocksOf(text), [text])
  return <div className="markdown">{blocks.map(blockNode)}</div>
}

/** Below the headings of the page. */
const HEADINGS = ['h3', 'h4', 'h5', 'h6', 'h6', 'h6'] as const

function blockNode(block: Block, key: number): ReactNode {
  switch (block.kind) {
    case 'heading': {
      const Heading = HEADINGS[block.level - 1] ?? 'h6'
      return <Heading key={key}>{inline(block.text)}</Heading>
    }
    case 'paragraph':
      return <p key={key}>{inline(block.text)}</p>
    case 'code':
      return (
        <pre key={key} tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      )
    case 'quote':
      return <blockquote key={key}>{block.blocks.map(blockNode)}</blockquote>
    case 'list':
      return listNode(block, key)
    case 'table':
      return tableNode(block, key)
    case 'rule':
      return <hr key={key} />
  }
}

function listNode({ start, items }: Extract<Block, { kind: 'list' }>, key: number): ReactNode {
  const nodes = items.map((blocks, index) => <li key={index}>{itemNodes(blocks)}</li>)
  return start === null ? (
    <ul key={key}>{nodes}</ul>
  ) : (
    <ol key={key} start={start}>
      {nodes}
    </ol>
  )
}

/** A short item is a line and no paragraph. */
function itemNodes([first, ...rest]: Block[]): ReactNode {
  if (first?.kind !== 'paragraph') return [...(first ? [first] : []), ...rest].map(blockNode)
  return (
    <>
      {inline(first.text)}
      {rest.map(blockNode)}
    </>
  )
}

function tableNode({ head, rows }: Extract<Block, { kind: 'table' }>, key: number): ReactNode {
  return (
    <table key={key}>
      <thead>
        <tr>
          {head.map((cell, column) => (
            <th key={column} scope="col">
              {inline(cell)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column}>{inline(cell)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function inline(text: string): ReactNode {
  return spansOf(text).map(spanNode)
}

function spanNode(span: Span, key: number): ReactNode {
  if (typeof span === 'string') return <Fragment key={key}>{span}</Fragment>
  switch (span.kind) {
    case 'code':
      return <code key={key}>{span.text}</code>
    case 'strong':
    case 'em':
    case 'del': {
      const Mark = span.kind
      return <Mark key={key}>{span.spans.map(spanNode)}</Mark>
    }
    case 'link':
      return (
        <WebLink key={key} href={span.href}>
          {span.spans.map(spanNode)}
        </WebLink>
      )
    case 'image':
      // Pictures of other places would tell them that this page is looked at.
      return (
        <WebLink key={key} href={span.src}>
          {span.alt || 'Image'} ({span.src})
        </WebLink>
      )
    case 'break':
      return <br key={key} />
  }
}

function WebLink({ href, children }: { href: string; children: ReactNode }) {
  if (!/^https?:\/\//i.test(href)) return <span>{children}</span>
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
      {children}
    </a>
  )
}
