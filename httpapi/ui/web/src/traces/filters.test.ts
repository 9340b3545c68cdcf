import { expect, test } from 'vitest'
import { activeFilters, filterQuery, filtersOf, statusesOf } from './filters'

const q = (s: string) => new URLSearchParams(s)

test('the query of a list is what the address filters by', () => {
  const search = 'app=a&tab=traces&page=3&size=50&cols=id&status=failed,running&status=failed&tag=x&tag=y&from=2026-01-01T00:00:00Z&trace=t'
  expect(filterQuery(q(search), 0, 'UTC')).toEqual({
    'started_at:gte': '2026-01-01T00:00:00Z', 'started_at:lt': null, status: ['failed', 'running'], tag: ['x', 'y'],
  })
})

test('active filters', () => {
  expect(activeFilters(q('app=a&q=hello&session_id=&duration_ms:gte=5'))).toEqual([['q', 'hello'], ['duration_ms:gte', '5']])
  expect(statusesOf(q(''))).toEqual([])
})

test('filters come from the description of the API', () => {
  const parameters = [
    { name: 'app_id', in: 'path' },
    { name: 'status', in: 'query' },
    { name: 'session_id', in: 'query', schema: { type: 'array', items: { type: 'string' } }, description: 'Session.' },
    { name: 'duration_ms:gte', in: 'query', schema: { type: 'number' } },
    { name: 'has_error', in: 'query', schema: { type: 'boolean' } },
    { name: 'new_one', in: 'query', schema: { type: 'string' } },
  ]
  expect(filtersOf({ paths: { '/v1/apps/{app_id}/traces': { get: { parameters } } } })).toEqual([
    { name: 'session_id', label: 'Session', type: 'text', list: true, hint: 'Session.' },
    { name: 'duration_ms:gte', label: 'Duration at least (ms)', type: 'number', list: false, hint: '' },
    { name: 'has_error', label: 'Has an error', type: 'boolean', list: false, hint: '' },
    { name: 'new_one', label: 'new_one', type: 'text', list: false, hint: '' },
  ])
  expect(filtersOf({ paths: {} })).toEqual([])
})
