import { expect, test } from 'vitest'
import { buildForest } from './forest'
import { collapsedBelow, search, visibleRows } from './rows'
import { run } from './testrun'

const f = buildForest([
  run('w', null, 0, 10, { type: 'workflow' }),
  run('agent', 'w', 1, 9, { name: 'Planner', group: 'agents' }),
  run('llm', 'agent', 2, 3, { name: 'Plan LLM', model: 'openai/gpt-4o', group: 'llms' }),
  run('tool', 'agent', 4, 5, { name: 'weather', status: 'failed', error: 'Rate limit' }),
  run('end', 'w', 9, 10),
])
const ids = (list: Iterable<number>) => [...list].map((i) => f.runs[i]!.id)

test('all rows, and without what is collapsed', () => {
  expect(ids(visibleRows(f, new Set()).list)).toEqual(['w', 'agent', 'llm', 'tool', 'end'])
  const rows = visibleRows(f, new Set([1]))
  expect(ids(rows.list)).toEqual(['w', 'agent', 'end'])
  expect(rows.at.get(4)).toBe(2)
  expect(ids(visibleRows(f, new Set([0])).list)).toEqual(['w'])
})

test('a search finds all words in name, model, status, error and id', () => {
  expect(ids(search(f, 'PLAN')!)).toEqual(['agent', 'llm'])
  expect(ids(search(f, 'plan gpt')!)).toEqual(['llm'])
  expect(ids(search(f, 'rate limit failed')!)).toEqual(['tool'])
  expect(ids(search(f, 'nothing here')!)).toEqual([])
  expect(search(f, '  ')).toBeUndefined()
})

test('a search shows the way to each match, through what is collapsed too', () => {
  const rows = visibleRows(f, new Set([0, 1]), search(f, 'weather'))
  expect(ids(rows.list)).toEqual(['w', 'agent', 'tool'])
  expect(ids(rows.matches!)).toEqual(['tool'])
})

test('levels can be closed at once', () => {
  expect(ids(collapsedBelow(f, 1))).toEqual(['agent'])
  expect(ids(collapsedBelow(f, 0))).toEqual(['w', 'agent'])
})
