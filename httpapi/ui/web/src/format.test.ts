import { expect, test } from 'vitest'
import { ago, compact, count, duration, exactDuration, exactUsd, percent, plural, seconds, size, time, timeMillis, usd } from './format'

test.each([
  [null, '—'], [0, '$0.00'], [1234.5678, '$1,234.57'], [12.34567, '$12.3457'], [1, '$1.00'], [0.5, '$0.50'],
  [0.00012346, '$0.0001235'], [1e-12, '$0.000000000001'], [0.99999, '$1.00'],
])('usd %s', (n, want) => expect(usd(n)).toBe(want))

test.each([[0.1 + 0.2, '$0.30'], [0.000123456789, '$0.000123456789'], [1234567.000001, '$1,234,567.000001'], [null, '—']])(
  'exactUsd %s', (n, want) => expect(exactUsd(n)).toBe(want))

test.each([
  [0, '0 ms'], [0.25, '0.25 ms'], [12.34, '12.3 ms'], [123.4, '123 ms'], [999.6, '1.00 s'], [2500, '2.50 s'],
  [59_999, '1m 00s'], [192_400, '3m 12s'], [7_500_000, '2h 05m'], [3_599_700, '1h 00m'], [400_000_000, '4d 15h'], [null, '—'],
])('duration %s', (ms, want) => expect(duration(ms)).toBe(want))

test('exact forms', () => {
  expect(exactDuration(2803.171)).toBe('2,803.171 ms')
  expect(seconds(2803.171)).toBe('2.803171 s')
  expect(seconds(2500)).toBe('2.50 s')
  expect(count(1234567)).toBe('1,234,567')
})

test('what is not known', () => {
  for (const f of [count, usd, exactUsd, seconds, duration, exactDuration]) expect([null, undefined, NaN].map(f)).toEqual(['—', '—', '—'])
})

test('sizes and numbers of things', () => {
  expect([512, 1536, 65536, 5 << 20, 5_138_022].map(size)).toEqual(['512 B', '1.5 KB', '64 KB', '5 MB', '4.9 MB'])
  expect([950, 12_345, 4_100_000].map(compact)).toEqual(['950', '12.3K', '4.1M'])
  expect([0, 1, 1234].map((n) => plural(n, 'run'))).toEqual(['0 runs', '1 run', '1,234 runs'])
})

test.each([[1, 3, '33.3%'], [0, 5, '0%'], [1, 100_000, '<0.1%'], [99_999, 100_000, '>99.9%'], [5, 5, '100%'], [0, 0, '0%']])(
  'percent %s of %s', (a, b, want) => expect(percent(a, b)).toBe(want))

test('times in zones', () => {
  expect(time('2026-11-22T23:05:07.123Z', 'UTC')).toBe('22 Nov 2026, 23:05:07')
  expect(time('2026-11-22T23:05:07Z', 'Asia/Tokyo')).toBe('23 Nov 2026, 08:05:07')
  expect(time(null, 'UTC')).toBe('—')
  expect(timeMillis('2026-11-22T23:05:07.123456Z', 'Asia/Tokyo')).toBe('23 Nov 2026, 08:05:07.123')
  expect(timeMillis('no time', 'UTC')).toBe('no time')
})

test('ago', () => {
  const now = Date.UTC(2026, 0, 1, 12)
  expect(ago('2026-01-01T11:57:00Z', now)).toBe('3 min ago')
  expect(ago('2026-01-01T12:00:30Z', now)).toBe('in 30 s')
  expect(ago('2025-12-30T12:00:00Z', now)).toBe('2 d ago')
})
