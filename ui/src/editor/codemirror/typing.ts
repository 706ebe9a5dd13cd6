import { EditorView } from '@codemirror/view'

/**
 * What is typed over a selection is put in by us. Left to itself, Chromium takes the style of what was selected along in a `style`
 * attribute, which the policy of the page refuses.
 */
export const typing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection
    if (event.inputType !== 'insertText' || event.data === null || main.empty || view.composing || view.state.readOnly) return false
    event.preventDefault()
    const typed = event.data
    const insert = () => view.state.update(view.state.replaceSelection(typed), { userEvent: 'input.type', scrollIntoView: true })
    const handled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, typed, insert))
    if (!handled) view.dispatch(insert())
    return true
  },
})
