/** What is loaded when the first editor is shown. */
export { JsonCode } from './json-code'
export { YamlCode } from './yaml-code'
