import { describe, expect, test } from 'vitest'
import { type Block, blocksOf } from './blocks'

const paragraph = (text: string): Block => ({ kind: 'paragraph', text })
const list = (start: number | null, ...items: Block[][]): Block => ({ kind: 'list', start, items })

describe('blocksOf', () => {
  const rows: [string, string, Block[]][] = [
    ['paragraphs', 'a\nb\n\n\nc', [paragraph('a\nb'), paragraph('c')]],
    [
      'headings',
      '# A\ntext\n## B ##',
      [{ kind: 'heading', level: 1, text: 'A' }, paragraph('text'), { kind: 'heading', level: 2, text: 'B' }],
    ],
    ['no headings', '#a and #b', [paragraph('#a and #b')]],
    ['rules', 'a\n\n---\n* * *', [paragraph('a'), { kind: 'rule' }, { kind: 'rule' }]],
    ['code', '```js\n# no heading\n\n- no item\n```\nafter', [{ kind: 'code', text: '# no heading\n\n- no item' }, paragraph('after')]],
    ['code that never ends', '~~~\na', [{ kind: 'code', text: 'a' }]],
    ['quotes', '> a\n> - b\n\nc', [{ kind: 'quote', blocks: [paragraph('a'), list(null, [paragraph('b')])] }, paragraph('c')]],
    ['lists', 'Some:\n- a\n- b', [paragraph('Some:'), list(null, [paragraph('a')], [paragraph('b')])]],
    ['numbered lists', '3. a\n4. b', [list(3, [paragraph('a')], [paragraph('b')])]],
    [
      'nested lists',
      '- a\n  - b\n    1. c\n- d',
      [list(null, [paragraph('a'), list(null, [paragraph('b'), list(1, [paragraph('c')])])], [paragraph('d')])],
    ],
    [
      'items that go on',
      '1. a\n   more\n\n   again\n\n2. b\nlazy',
      [list(1, [paragraph('a\nmore'), paragraph('again')], [paragraph('b\nlazy')])],
    ],
    ['what follows a list', '- a\n\nb', [list(null, [paragraph('a')]), paragraph('b')]],
    ['code in items', '- a\n  ```\n  x\n  ```', [list(null, [paragraph('a'), { kind: 'code', text: 'x' }])]],
    ['years', 'It was\n1984. A book.', [paragraph('It was\n1984. A book.')]],
    [
      'tables',
      '| a | b |\n|---|:-:|\n| 1 | `x\\|y` |\n| 2 |\n\nc',
      [
        {
          ...{ kind: 'table', head: ['a', 'b'] },
          rows: [
            ['1', '`x|y`'],
            ['2', ''],
          ],
        },
        paragraph('c'),
      ],
    ],
    ['no tables', 'a | b\nc | d', [paragraph('a | b\nc | d')]],
  ]
  test.each(rows)('%s', (_, text, blocks) => expect(blocksOf(text)).toEqual(blocks))

  test.each(['> ', '- ', '1. ', '- a\n\n', '* ', '|-', '```\n', '\n'])('does not lose time over many of %j', (mark) => {
    const begin = performance.now()
    blocksOf(`- a${mark.repeat(200_000 / mark.length)}\n  b`)
    blocksOf(mark.repeat(200_000 / mark.length))
    expect(performance.now() - begin).toBeLessThan(4_000)
  })
})
