import { describe, expect, test } from 'vitest'
import { type Span, spansOf } from './spans'

const strong = (...spans: Span[]): Span => ({ kind: 'strong', spans })
const em = (...spans: Span[]): Span => ({ kind: 'em', spans })
const code = (text: string): Span => ({ kind: 'code', text })
const link = (href: string, ...spans: Span[]): Span => ({ kind: 'link', href, spans })

describe('spansOf', () => {
  const rows: [string, Span[]][] = [
    ['plain', ['plain']],
    ['a **b** c', ['a ', strong('b'), ' c']],
    ['*a* and _b_', [em('a'), ' and ', em('b')]],
    ['**a *b* c**', [strong('a ', em('b'), ' c')]],
    ['~~a~~', [{ kind: 'del', spans: ['a'] }]],
    ['snake_case_name and 2 * 3 * 4', ['snake_case_name and 2 * 3 * 4']],
    ['**never closed', ['**never closed']],
    ['`a*b*` and `` `c` ``', [code('a*b*'), ' and ', code('`c`')]],
    ['a ` b', ['a ` b']],
    ['[a **b**](https://x.y/z_(w) "title") c', [link('https://x.y/z_(w)', 'a ', strong('b')), ' c']],
    ['[a] (b) and [c](d', ['[a] (b) and [c](d']],
    ['![alt](https://x/y.png)', [{ kind: 'image', src: 'https://x/y.png', alt: 'alt' }]],
    ['<https://x.y> or https://a.b/c.', [link('https://x.y', 'https://x.y'), ' or ', link('https://a.b/c', 'https://a.b/c'), '.']],
    ['a  \nb\\\nc<br>d', ['a', { kind: 'break' }, 'b', { kind: 'break' }, 'c', { kind: 'break' }, 'd']],
    ['\\*a\\* \\[b\\] \\d', ['*a* [b] \\d']],
    ['&lt;b&gt; &amp; &unknown;', ['<b> & &unknown;']],
    ['<script>alert(1)</script>', ['<script>alert(1)</script>']],
  ]
  test.each(rows)('%j', (text, spans) => expect(spansOf(text)).toEqual(spans))

  test.each(['**', '*_', '[', '`', '![](', '~~a', '<http'])('does not lose time over many of %j', (mark) => {
    const begin = performance.now()
    spansOf(mark.repeat(10_000 / mark.length))
    spansOf(mark.repeat(1_000_000))
    expect(performance.now() - begin).toBeLessThan(4_000)
  })
})
