import { useMemo } from 'react'
import './code.css'
import { CopyButton } from './copy-button'
import { tokensOf, type Language } from './highlight'

interface CodeProps {
  text: string
  language?: Language
  /** Long lines go on below instead of scrolling sideways. */
  wrap?: boolean
  copy?: boolean
  /** What it is, for those who do not see where it stands. */
  label?: string
}

export function Code({ text, language = 'text', wrap = false, copy = false, label = 'Code' }: CodeProps) {
  const tokens = useMemo(() => tokensOf(text, language), [text, language])
  return (
    <div className={`code ${copy ? 'code-copied' : ''}`}>
      <pre className={wrap ? 'code-wrap' : undefined} tabIndex={0} role="group" aria-label={label}>
        <code>
          {tokens.map((token, index) =>
            token.kind === null ? (
              token.text
            ) : (
              <span key={index} className={`syntax-${token.kind}`}>
                {token.text}
              </span>
            ),
          )}
        </code>
      </pre>
      {copy && (
        <div className="code-copy">
          <CopyButton text={text} />
        </div>
      )}
    </div>
  )
}
