import { expect, test } from 'vitest'
import { linesOf, summaryOf } from './diff-lines'

const diff = `--- config.yaml
+++ config.yaml
@@ -1,4 +1,4 @@
 binds:
-- port: 3000
+- port: 3001

 # end
--- not a file name
\\ No newline at end of file
`

test('names of files are left out, and the lines have lost their signs', () => {
  expect(linesOf(diff)).toEqual([
    { kind: 'hunk', text: '@@ -1,4 +1,4 @@' },
    { kind: 'same', text: 'binds:' },
    { kind: 'removed', text: '- port: 3000' },
    { kind: 'added', text: '- port: 3001' },
    { kind: 'same', text: '' },
    { kind: 'same', text: '# end' },
    { kind: 'removed', text: '-- not a file name' },
    { kind: 'hunk', text: '\\ No newline at end of file' },
  ])
})

test('changes are counted', () => {
  expect(summaryOf(linesOf(diff))).toEqual({ added: 1, removed: 2 })
  expect(linesOf('')).toEqual([])
})
