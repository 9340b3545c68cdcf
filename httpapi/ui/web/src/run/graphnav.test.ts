import { expect, test } from 'vitest'
import { centre, edgePath, fit, inView, neighbour, start, zoomAt } from './graphnav'
import type { Placed, PlacedBox } from './layout'

const box = (id: number, x: number, y: number): PlacedBox => ({ id, x, y, width: 100, height: 40, open: false, level: 0 })
const boxes = [box(0, 0, 0), box(1, 150, 0), box(2, 0, 100), box(3, 150, 100)]
const graph: Placed = { width: 250, height: 140, boxes, edges: [] }

test('fit shows the whole graph in the middle, and never enlarges it', () => {
  expect(fit(graph, 1000, 600)).toEqual({ scale: 1, x: 375, y: 230 })
  const c = fit({ ...graph, width: 5000 }, 1000, 600)
  expect(c.scale).toBeCloseTo(952 / 5000)
  expect(c.x).toBeCloseTo(24)
})

test('a large graph starts at a size for reading', () => {
  const c = start({ ...graph, width: 50_000, height: 50_000 }, 1000, 600)
  expect(c.scale).toBe(0.75)
  expect(inView(boxes[0]!, c, 1000, 600)).toBe(true)
  expect(inView(boxes[3]!, centre(boxes[3]!, 50, 50, 1), 50, 50)).toBe(true)
})

test('zooming keeps the point under the pointer', () => {
  const c = zoomAt({ x: 10, y: 20, scale: 1 }, 1.5, 100, 50)
  expect([(100 - c.x) / c.scale, (50 - c.y) / c.scale]).toEqual([90, 30])
  expect(zoomAt(c, 1e9, 0, 0).scale).toBe(2)
})

test('arrows go to the nearest box in their direction', () => {
  const go = (key: string, from: number) => neighbour(boxes, boxes[from]!, key)?.id
  expect([go('ArrowRight', 0), go('ArrowDown', 0), go('ArrowLeft', 3), go('ArrowUp', 3), go('ArrowUp', 0), go('x', 0)]).toEqual([
    1,
    2,
    2,
    1,
    undefined,
    undefined,
  ])
})

test('edges are drawn through their points', () => {
  expect(
    edgePath([
      { x: 0, y: 0 },
      { x: 0, y: 10 },
    ]),
  ).toBe('M0.0 0.0 L0.0 10.0')
  expect(
    edgePath([
      { x: 0, y: 0 },
      { x: 5, y: 5 },
      { x: 10, y: 10 },
    ]),
  ).toBe('M0.0 0.0 Q5.0 5.0 7.5 7.5 L10.0 10.0')
  expect(edgePath([{ x: 0, y: 0 }])).toBe('')
})
