import { expect, test } from 'vitest'
import { buildForest } from './forest'
import { search, visibleRows } from './rows'
import { moveOf, nextMatch } from './rowsnav'
import { run } from './testrun'

const f = buildForest([run('a', null, 0, 9), run('b', 'a', 1, 5), run('c', 'b', 2, 3), run('d', 'a', 6, 7)])
const none = new Set<number>()
const all = visibleRows(f, none)

test('arrows, j and k, home and end, pages', () => {
  const go = (key: string, at: number) => moveOf(key, f, all, at, none, 2)
  expect(go('ArrowDown', 0)).toEqual({ go: 1 })
  expect(go('j', 3)).toEqual({ go: 3 })
  expect(go('k', 0)).toEqual({ go: 0 })
  expect(go('End', 0)).toEqual({ go: 3 })
  expect(go('Home', 3)).toEqual({ go: 0 })
  expect(go('PageDown', 0)).toEqual({ go: 2 })
  expect(go('PageUp', 3)).toEqual({ go: 1 })
  expect(go('x', 0)).toBeNull()
  expect(go('ArrowDown', -1)).toEqual({ go: 0 })
  expect(go('End', -1)).toEqual({ go: 3 })
})

test('right opens and goes in, left closes and goes out', () => {
  const closed = new Set([1])
  const rows = visibleRows(f, closed)
  expect(moveOf('ArrowRight', f, rows, 1, closed, 9)).toEqual({ toggle: 1, open: true })
  expect(moveOf('ArrowRight', f, all, 1, none, 9)).toEqual({ go: 2 })
  expect(moveOf('ArrowRight', f, all, 2, none, 9)).toBeNull()
  expect(moveOf('ArrowLeft', f, all, 1, none, 9)).toEqual({ toggle: 1, open: false })
  expect(moveOf('ArrowLeft', f, rows, 1, closed, 9)).toEqual({ go: 0 })
  expect(moveOf('ArrowLeft', f, all, 3, none, 9)).toEqual({ go: 0 })
})

test('matches follow each other around the ends', () => {
  const g = buildForest([run('x1', null, 0, 9), run('y', 'x1', 1, 5), run('x2', 'x1', 2, 3)])
  const rows = visibleRows(g, none, search(g, 'x')!)
  expect([nextMatch(rows, -1, false), nextMatch(rows, 0, false), nextMatch(rows, 2, false), nextMatch(rows, 0, true)]).toEqual([
    0, 2, 0, 2,
  ])
  expect(nextMatch(visibleRows(g, none, new Set()), 0, false)).toBeUndefined()
})
