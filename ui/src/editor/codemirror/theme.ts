import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const float = {
  border: '1px solid var(--line-strong)',
  borderRadius: 'var(--radius)',
  backgroundColor: 'var(--raised)',
  color: 'var(--ink)',
  boxShadow: 'var(--shadow-float)',
}

const wavy = (colour: string) => ({ backgroundImage: 'none', textDecoration: `underline wavy ${colour}`, textUnderlineOffset: '3px' })

const chosen = { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' }

/** The tokens of the page decide, so that both themes come from one description. */
const look = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--surface)', fontSize: 'var(--t-sm)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', fontVariantLigatures: 'none', lineHeight: '20px', overflow: 'auto' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 12px 0 6px' },
  '.cm-cursor, .cm-dropCursor': { borderLeft: '2px solid var(--accent)', marginLeft: '-1px' },
  '& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    { backgroundColor: 'color-mix(in srgb, var(--accent) 24%, transparent)' },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--ink) 4%, transparent)' },
  '.cm-gutters': { border: 'none', backgroundColor: 'var(--surface)', color: 'var(--ink-3)', fontVariantNumeric: 'tabular-nums' },
  '.cm-gutters.cm-gutters-before': { borderRightWidth: '0' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '36px', padding: '0 4px 0 8px' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLineGutter': { color: 'var(--ink)' },
  '.cm-foldGutter .cm-gutterElement': { width: '16px', textAlign: 'center', cursor: 'pointer' },
  '.cm-foldPlaceholder': {
    margin: '0 4px',
    padding: '0 6px',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    backgroundColor: 'var(--sunken)',
    color: 'var(--ink-2)',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'transparent', outline: '1px solid var(--accent-line)', borderRadius: '2px' },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--bad-soft)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--accent-soft)' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn-line)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--warn-line)' },
  '.cm-snippetField': { backgroundColor: 'var(--accent-soft)', borderRadius: '2px' },

  '.cm-lint-marker': { width: '8px', height: '8px', margin: '6px 0 0 2px', content: 'none', backgroundColor: 'var(--bad)' },
  '.cm-gutter-lint': { width: '12px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0' },
  '.cm-lintRange-error': wavy('var(--bad)'),
  '.cm-lintPoint:after': { borderBottomColor: 'var(--bad)' },
  '.cm-diagnostic': { padding: '6px 10px', border: 'none', fontFamily: 'var(--font-text)', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--bad)' },

  '.cm-tooltip': { ...float, maxWidth: 'min(480px, 92vw)' },
  '.cm-tooltip-autocomplete.cm-tooltip > ul': { maxHeight: '280px', padding: '4px', fontFamily: 'var(--font-mono)' },
  '.cm-tooltip-autocomplete.cm-tooltip > ul > li': {
    display: 'flex',
    gap: '16px',
    justifyContent: 'space-between',
    padding: '2px 8px',
    borderRadius: 'var(--radius-small)',
    lineHeight: '20px',
  },
  '.cm-tooltip-autocomplete.cm-tooltip > ul > li[aria-selected]': chosen,
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { marginLeft: '0', color: 'var(--ink-3)', fontFamily: 'var(--font-text)', fontStyle: 'normal' },
  'li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-tooltip.cm-completionInfo': { ...float, padding: '0' },
  '.cm-words': { padding: '8px 12px', fontFamily: 'var(--font-text)', fontSize: 'var(--t-sm)', lineHeight: '18px' },
  '.cm-words code': { fontFamily: 'var(--font-mono)', fontSize: 'var(--t-xs)', color: 'var(--syntax-string)' },
  '.cm-words dl': { display: 'grid', gridTemplateColumns: 'auto 1fr', gap: '2px 12px', marginTop: '8px' },
  '.cm-words dd': { color: 'var(--ink-2)' },
  '.cm-words .cm-default': { marginTop: '6px', color: 'var(--ink-2)' },

  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--ink)', fontFamily: 'var(--font-text)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': { display: 'flex', flexWrap: 'wrap', gap: '6px', alignItems: 'center', padding: '8px 36px 8px 12px' },
  '.cm-panel.cm-search br': { display: 'none' },
  '.cm-panel.cm-search label': { display: 'inline-flex', alignItems: 'center', fontSize: 'var(--t-xs)' },
  '.cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label': { margin: '0' },
  '.cm-panel.cm-search [name=close]': { top: '6px', right: '8px', width: '26px', height: '26px', fontSize: '18px', cursor: 'pointer' },
  '.cm-textfield': {
    minWidth: '160px',
    padding: '3px 8px',
    border: '1px solid var(--line-control)',
    borderRadius: 'var(--radius-small)',
    backgroundColor: 'var(--surface)',
    fontSize: 'var(--t-sm)',
  },
  '.cm-button': {
    padding: '3px 10px',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    backgroundImage: 'none',
    backgroundColor: 'var(--raised)',
    fontSize: 'var(--t-xs)',
    cursor: 'pointer',
    '&:hover': { backgroundColor: 'var(--hover)' },
    '&:active': { backgroundImage: 'none' },
  },
  '.cm-panel.cm-panel-lint ul [aria-selected]': chosen,
})

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--syntax-key)' },
  { tag: tags.string, color: 'var(--syntax-string)' },
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: [tags.bool, tags.null, tags.keyword, tags.labelName, tags.typeName], color: 'var(--syntax-keyword)' },
  { tag: tags.comment, color: 'var(--syntax-comment)' },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: 'var(--syntax-punctuation)' },
])

export const theme = [look, syntaxHighlighting(colours)]
