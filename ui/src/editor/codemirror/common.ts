import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language'
import { lintGutter, lintKeymap } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { theme } from './theme'
import { typing } from './typing'

/** Ctrl/Cmd+Enter belongs to the form around the editor, where it sends. */
const editing = defaultKeymap.filter(({ key }) => key !== 'Mod-Enter')

/** What every editor of ours has. */
export const common: Extension = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightActiveLine(),
  foldGutter({ openText: '▾', closedText: '▸' }),
  history(),
  drawSelection(),
  dropCursor(),
  indentOnInput(),
  indentUnit.of('  '),
  EditorState.tabSize.of(2),
  bracketMatching(),
  closeBrackets(),
  typing,
  highlightSelectionMatches(),
  search({ top: true }),
  theme,
  // It can take the focus without `tabindex` as well; checkers of accessibility believe it only with it.
  EditorView.contentAttributes.of({ tabindex: '0', spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off', translate: 'no' }),
  keymap.of([...closeBracketsKeymap, ...editing, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, indentWithTab]),
]

export const lintMarks = lintGutter()
