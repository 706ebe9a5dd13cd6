import { describe, expect, test } from 'vitest'
import { expand, variablesOf } from './uri-template'

// Examples of RFC 6570, section 3.2, for values that are texts.
const values = { var: 'value', hello: 'Hello World!', empty: '', path: '/foo/bar', x: '1024', y: '768', half: '50%' }

describe('expand', () => {
  const rows: [string, string][] = [
    ['{var}', 'value'],
    ['{hello}', 'Hello%20World%21'],
    ['{half}', '50%25'],
    ['O{empty}X', 'OX'],
    ['O{undef}X', 'OX'],
    ['{x,y}', '1024,768'],
    ['?{x,empty}', '?1024,'],
    ['?{x,undef}', '?1024'],
    ['{var:3}', 'val'],
    ['{+hello}', 'Hello%20World!'],
    ['{+half}', '50%25'],
    ['{+path}/here', '/foo/bar/here'],
    ['{#path,x}/here', '#/foo/bar,1024/here'],
    ['X{.x,y}', 'X.1024.768'],
    ['{/var,x}/here', '/value/1024/here'],
    ['{/var,empty}', '/value/'],
    ['{;x,y,empty}', ';x=1024;y=768;empty'],
    ['{?x,y,empty}', '?x=1024&y=768&empty='],
    ['{?x,undef}', '?x=1024'],
    ['{?undef}', ''],
    ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
    ['{/var*}', '/value'],
    ['everything+demo://resource/dynamic/text/{var}', 'everything+demo://resource/dynamic/text/value'],
  ]
  test.each(rows)('%s', (template, uri) => expect(expand(template, values)).toBe(uri))
})

test('variablesOf names each variable once', () => {
  expect(variablesOf('x://{a}/{+b:3}{?c*,a,d}{}')).toEqual(['a', 'b', 'c', 'd'])
})
