import { expect, test } from 'vitest'
import { criticalPath } from './critical'
import { buildForest, type Run } from './forest'
import { run } from './testrun'

const path = (list: Run[]) => {
  const f = buildForest(list)
  return criticalPath(f).segments.map((s) => `${f.runs[s.run]!.id} ${s.from}-${s.to}`)
}

test('a run alone is its own path', () => {
  expect(path([run('a', null, 0, 10)])).toEqual(['a 0-10'])
})

test('between its children a run is at work itself', () => {
  expect(path([run('a', null, 0, 10), run('b', 'a', 1, 4), run('c', 'a', 5, 9)])).toEqual([
    'a 0-1',
    'b 1-4',
    'a 4-5',
    'c 5-9',
    'a 9-10',
  ])
})

test('of children side by side the one that ended last is on the path', () => {
  expect(path([run('a', null, 0, 10), run('fast', 'a', 1, 4), run('slow', 'a', 1, 9)])).toEqual(['a 0-1', 'slow 1-9', 'a 9-10'])
})

test('children that overlap are never both on it', () => {
  expect(path([run('a', null, 0, 12), run('b', 'a', 0, 10), run('c', 'a', 5, 12)])).toEqual(['a 0-5', 'c 5-12'])
})

test('it goes down into the children', () => {
  const list = [run('a', null, 0, 10), run('b', 'a', 2, 8), run('b1', 'b', 2, 5), run('b2', 'b', 5, 8)]
  expect(path(list)).toEqual(['a 0-2', 'b1 2-5', 'b2 5-8', 'a 8-10'])
})

test('what outlives its parent is cut at its end, what began before it at its start', () => {
  expect(path([run('r', null, 0, 20), run('a', 'r', 5, 10), run('b', 'a', 2, 15)])).toEqual(['r 0-5', 'b 5-10', 'r 10-20'])
})

test('the turns of a session have a path each; nobody works between them', () => {
  expect(path([run('a', null, 0, 3), run('b', null, 7, 9)])).toEqual(['a 0-3', 'b 7-9'])
})

test('skipped runs and runs without length are not on it', () => {
  expect(path([run('a', null, 0, 5), run('s', 'a', 2, 2, { status: 'skipped' }), run('z', 'a', 3, 3)])).toEqual(['a 0-5'])
})

/** The path's stretches fill a single root without holes or overlaps, for any runs. */
test('the stretches add up to the length of the root', () => {
  let seed = 7
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n
  for (let round = 0; round < 200; round++) {
    const list = [run('r0', null, 0, 1000)]
    for (let i = 1; i < 30; i++) {
      const start = random(1000)
      list.push(run(`r${i}`, `r${random(i)}`, start, start + random(600), random(9) ? {} : { status: 'skipped' }))
    }
    const f = buildForest(list)
    const { segments, self } = criticalPath(f)
    let at = 0
    for (const s of segments) {
      expect(s.from).toBe(at)
      at = s.to
    }
    expect(at).toBe(1000)
    expect([...self.values()].reduce((a, b) => a + b, 0)).toBe(1000)
  }
})
