import { describe, expect, test } from 'vitest'
import { fromMicros, lastBefore, micros } from './instant'
import { barsOf, chosenInterval, filterOf, metricsWindow, rangeOf, windowOf } from './range'

const now = Date.UTC(2026, 10, 22, 13, 30)
const of = (search: string) => rangeOf(new URLSearchParams(search))

describe('instants', () => {
  test('keep microseconds and cut off the rest', () => {
    expect(micros('2026-01-01T00:00:00.123456789Z')).toBe(1767225600123456n)
    expect(micros('2026-01-01T02:00:00+02:00')).toBe(1767225600000000n)
    expect(micros('yesterday')).toBe(null)
    expect(micros('2026-13-01T00:00:00Z')).toBe(null)
  })
  test('come back as they were', () => {
    for (const s of ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000001Z', '1969-12-31T23:59:59.500000Z']) {
      expect(fromMicros(micros(s)!)).toBe(s)
    }
  })
  test('lastBefore', () => {
    expect(lastBefore('2026-01-01T00:00:00Z')).toBe('2025-12-31T23:59:59.999999Z')
  })
})

describe('ranges', () => {
  test('fourteen days are today and thirteen before, in the zone', () => {
    expect(windowOf(of(''), now, 'UTC').from).toBe('2026-11-09T00:00:00Z')
    expect(windowOf(of('range=14d'), now, 'Asia/Tokyo').from).toBe('2026-11-08T15:00:00Z')
    expect(windowOf(of('range=24h'), now, 'Asia/Tokyo')).toEqual({ from: '2026-11-21T13:30:00Z', to: '2026-11-22T13:30:00Z' })
    expect(windowOf(of('range=12mo'), now, 'UTC').from).toBe('2025-12-01T00:00:00Z')
  })
  test('custom bounds stay as they are', () => {
    const w = windowOf(of('from=2026-01-01T00:00:00.5Z&to=2026-01-02T00:00:00Z'), now, 'UTC')
    expect(w).toEqual({ from: '2026-01-01T00:00:00.5Z', to: '2026-01-02T00:00:00Z' })
    expect(metricsWindow(w)).toEqual({ start_time: '2026-01-01T00:00:00.5Z', end_time: '2026-01-01T23:59:59.999999Z' })
  })
  test('half a custom range', () => {
    expect(windowOf(of('from=2026-01-01T00:00:00Z'), now, 'UTC').to).toBe('2026-11-22T13:30:00Z')
    expect(windowOf(of('to=2026-01-15T12:00:00Z'), now, 'UTC').from).toBe('2026-01-02T00:00:00Z')
  })
  test('lists have no range of their own', () => {
    expect(filterOf(of(''), now, 'UTC')).toEqual({ from: null, to: null })
    expect(filterOf(of('range=7d'), now, 'UTC')).toEqual({ from: '2026-11-16T00:00:00Z', to: null })
  })
  test('a range that is none is none', () => {
    expect(of('range=soon')).toEqual({ kind: 'none' })
  })
})

test('widths of bars', () => {
  const by = (days: number, search = '') => {
    const w = { from: '2024-01-01T00:00:00Z', to: fromMicros(micros('2024-01-01T00:00:00Z')! + BigInt(days) * 86_400_000_000n) }
    return chosenInterval(new URLSearchParams(search), w)
  }
  expect([by(1), by(14), by(90), by(365), by(800)]).toEqual(['hour', 'day', 'day', 'week', 'month'])
  expect(by(365, 'by=hour')).toBe('hour')
  expect(by(800, 'by=hour')).toBe('month') // more than 10,000 bars
  expect(by(14, 'by=fortnight')).toBe('day')
})

test('bars are cut to the window', () => {
  const w = { from: '2026-01-01T06:00:00Z', to: '2026-01-03T07:00:00Z' }
  expect(barsOf(['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'], w)).toEqual([
    { from: '2026-01-01T06:00:00Z', to: '2026-01-02T00:00:00Z' },
    { from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z' },
    { from: '2026-01-03T00:00:00Z', to: '2026-01-03T07:00:00Z' },
  ])
  expect(barsOf([], w)).toEqual([])
})
