import { expect, test } from 'vitest'
import { changedQuery, placeOf } from './router'

const page = (pathname: string) => placeOf(pathname, '', '/ui/').page

test('the path below the root names the page', () => {
  expect(page('/ui/')).toBe('')
  expect(page('/ui/backends')).toBe('backends')
  expect(page('/ui/backends/')).toBe('backends')
})

test('any other path is no page', () => {
  expect(page('/ui/backend')).toBeNull()
  expect(page('/ui/backends/more')).toBeNull()
  expect(page('/elsewhere')).toBeNull()
  expect(page('/ui')).toBeNull()
})

test('the query comes along, decoded', () => {
  expect(placeOf('/ui/backends', '?backend=3000%2F0%2F0%2F0', '/ui/').query.get('backend')).toBe('3000/0/0/0')
})

test('a query is changed without touching what is not named', () => {
  const query = new URLSearchParams('route=a&tab=tools')
  expect(changedQuery(query, { tab: null, item: 'x y' }).toString()).toBe('route=a&item=x+y')
  expect(query.toString()).toBe('route=a&tab=tools')
})
