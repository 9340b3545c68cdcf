import { expect, test } from 'vitest'
import { buildForest } from './forest'
import { run } from './testrun'
import { parseTime } from './time'

test('times keep their microseconds', () => {
  expect(parseTime('2026-06-10T09:00:00.000500Z') - parseTime('2026-06-10T09:00:00Z')).toBeCloseTo(0.5, 3)
  expect(parseTime('2026-06-10T09:00:00.25+00:00')).toBe(Date.UTC(2026, 5, 10, 9, 0, 0, 250))
  expect(parseTime('2026-06-10T09:00:00.123456789Z') % 1000).toBeCloseTo(123.457, 2)
  expect(parseTime(undefined)).toBeNaN()
})

test('runs nest by parent, in order of start, whatever order they come in', () => {
  const f = buildForest([run('c', 'a', 5, 9), run('b', 'a', 1, 4), run('a', null, 0, 10), run('d', 'b', 2, 3)])
  expect(f.runs.map((r) => r.id)).toEqual(['a', 'b', 'd', 'c'])
  expect([...f.order].map((i) => f.runs[i]!.id)).toEqual(['a', 'b', 'd', 'c'])
  expect([...f.depth]).toEqual([0, 1, 2, 1])
  expect([...f.size]).toEqual([4, 2, 1, 1])
  expect([f.span, f.start[1], f.end[1]]).toEqual([10, 1, 4])
})

test('a missing parent, a parent that is the run itself, and circles make roots', () => {
  const f = buildForest([
    run('lost', 'nobody', 0, 1),
    run('self', 'self', 1, 2),
    run('x', 'z', 2, 3),
    run('y', 'x', 3, 4),
    run('z', 'y', 4, 5),
    run('under', 'y', 5, 6),
  ])
  const name = (i: number) => f.runs[i]!.id
  expect(f.roots.map(name)).toEqual(['lost', 'self', 'x'])
  expect([...f.adrift].map(([i, why]) => [name(i), why])).toEqual([
    ['lost', 'parent missing'],
    ['x', 'parents in a circle'],
  ])
  expect([...f.order].map(name)).toEqual(['lost', 'self', 'x', 'y', 'z', 'under'])
})

test('of runs with one id the last counts', () => {
  const f = buildForest([run('a', null, 0, null), run('a', null, 0, 7)])
  expect(f.runs.length).toBe(1)
  expect(f.end[0]).toBe(7)
})

test('open runs end now, or at the latest known time', () => {
  const list = [run('a', null, 0, null), run('b', 'a', 2, 5)]
  expect([...buildForest(list).end]).toEqual([5, 5])
  expect(buildForest(list, Date.UTC(2026, 5, 10) + 90).span).toBe(90)
})

test('an end before the start counts as the start', () => {
  expect(buildForest([run('a', null, 5, 1)]).end[0]).toBe(0)
})

test('usage repeated upward counts once', () => {
  const f = buildForest([
    run('agent', null, 0, 9, { total_tokens: 30, total_cost_usd: 0.3 }),
    run('call', 'agent', 1, 5, { total_tokens: 10, total_cost_usd: 0.1 }),
    run('call2', 'agent', 5, 6, { total_tokens: 20 }),
    run('tool', 'agent', 6, 7),
  ])
  expect([...f.tokens]).toEqual([30, 10, 20, NaN])
  expect([...f.cost]).toEqual([0.1, 0.1, NaN, NaN])
})

test('no runs make an empty forest', () => {
  expect(buildForest([])).toMatchObject({ roots: [], span: 0 })
})

test('50,000 runs, nested 25,000 deep, are each read a bounded number of times', () => {
  const n = 50_000
  let reads = 0
  const runs = Array.from({ length: n }, (_, i) => {
    const r = run(`r${i}`, i === 0 ? null : i < n / 2 ? `r${i - 1}` : 'r0', i, i + 1)
    return new Proxy(r, {
      get(target, name) {
        reads++
        return Reflect.get(target, name)
      },
    })
  })
  const f = buildForest(runs)
  expect(f.depth[n / 2 - 1]).toBe(n / 2 - 1)
  expect(f.size[0]).toBe(n)
  expect(reads / n).toBeLessThan(16)
})
