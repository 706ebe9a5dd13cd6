import { setDiagnostics, type Diagnostic } from '@codemirror/lint'
import type { EditorState, Text, TransactionSpec } from '@codemirror/state'
import type { Fault } from '../../api/types'
import { offsetAt } from './text'
import { element, marked } from './words'

/** Marks what the server found wrong. What is at no place in the text gets no mark: it is in the list below the editor. */
export function markFaults(state: EditorState, faults: Fault[]): TransactionSpec {
  return setDiagnostics(state, faults.filter(({ line }) => line > 0).map((fault) => diagnosticOf(state.doc, fault)))
}

export function diagnosticOf(doc: Text, { line, column, message, hint }: Fault): Diagnostic {
  const from = offsetAt(doc, line, column)
  const rest = doc.lineAt(from).text.slice(from - doc.lineAt(from).from)
  // The server says where it begins; a word, or what is in quotes, is what people take for the culprit.
  const word = /^(?:"[^"]*"|'[^']*'|[^\s,:[\]{}#]+|.)/.exec(rest)?.[0] ?? ''
  const lines = hint ? [message, hint] : [message]
  return {
    from,
    to: from + word.length,
    severity: 'error',
    message: lines.join('\n'),
    renderMessage: () => element('div', '', ...lines.map((line) => element('p', '', ...marked(line)))),
  }
}
