import { StyleModule } from 'style-mod'

/**
 * CodeMirror puts its rules into a `<style>` element, which the page's content security policy does not allow. Sheets that are
 * constructed by a script are allowed, so they go there instead. Imported for this effect, before the first editor is made.
 */
const mounted: StyleModule[] = []
const sheets = new Map<StyleModule, CSSStyleSheet>()

// Rules of later modules win, so the order within each list has to be kept.
StyleModule.mount = (root, modules) => {
  let at = 0
  for (const module of [modules].flat()) {
    const index = mounted.indexOf(module)
    if (index < 0) mounted.splice(at, 0, module)
    at = Math.max(at, index < 0 ? at : index) + 1
  }
  const ours = mounted.map(sheetOf)
  root.adoptedStyleSheets = [...root.adoptedStyleSheets.filter((sheet) => !ours.includes(sheet)), ...ours]
}

function sheetOf(module: StyleModule): CSSStyleSheet {
  const known = sheets.get(module)
  if (known) return known
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(module.getRules())
  sheets.set(module, sheet)
  return sheet
}
