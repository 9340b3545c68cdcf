import { expect, test } from 'vitest'
import { busy, clamp, most, pan, ticks, zoom } from './scale'

test('zooming keeps the place under the pointer and stays inside the span', () => {
  const r = zoom({ from: 0, to: 100 }, 0.5, 0.25, 100)
  expect(r).toEqual({ from: 12.5, to: 62.5 })
  expect(zoom(r, 10, 0.5, 100)).toEqual({ from: 0, to: 100 })
  const least = zoom({ from: 0, to: 0.001 }, 0.01, 0.5, 100)
  expect(least.to - least.from).toBeCloseTo(0.001, 9)
  expect(pan({ from: 40, to: 60 }, 10, 100)).toEqual({ from: 80, to: 100 })
  expect(clamp({ from: -5, to: 5 }, 100)).toEqual({ from: 0, to: 10 })
  expect(clamp({ from: 0, to: 0 }, 0).to).toBeGreaterThan(0)
})

test('ticks stand at round times', () => {
  expect(ticks({ from: 0, to: 100 }, 5)).toEqual([0, 20, 40, 60, 80, 100])
  expect(ticks({ from: 3, to: 17 }, 3)).toEqual([5, 10, 15])
  expect(ticks({ from: 0, to: 240_000 }, 4)).toEqual([0, 60_000, 120_000, 180_000, 240_000])
  expect(ticks({ from: 1, to: 1 }, 4)).toEqual([])
})

test('how many are at work in each stretch', () => {
  const start = Float64Array.of(0, 2, 5)
  const end = Float64Array.of(4, 6, 5)
  expect([...busy(start, end, [0, 1, 2], 8, 4)]).toEqual([1, 2, 1, 0])
  expect([...busy(Float64Array.of(1), Float64Array.of(5), [0], 8, 4)]).toEqual([0.5, 1, 0.5, 0])
  expect([...busy(Float64Array.of(0, 8), Float64Array.of(8, 8), [0, 1], 8, 4)]).toEqual([1, 1, 1, 1])
  expect(most(start, end, [0, 1, 2])).toBe(2)
  expect(most(Float64Array.of(0, 5), Float64Array.of(5, 9), [0, 1])).toBe(1)
})
