import { expect, test } from 'vitest'
import { instantOf, isZone, localOf, offsetText, startOfDay, startOfMonth, zones } from './zone'

const sample = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/St_Johns']

test('instantOf undoes localOf wherever a clock shows a time once', () => {
  for (const zone of sample) {
    for (let ms = Date.UTC(2026, 0, 1, 0, 30); ms < Date.UTC(2027, 0, 1); ms += 5.5 * 3_600_000) {
      const back = instantOf(localOf(ms, zone), zone)
      if (back === ms) continue // expectations about each of 11,000 instants take seconds
      // The second of two equal local times becomes the first one.
      expect(localOf(back, zone), `${zone} ${ms}`).toEqual(localOf(ms, zone))
      expect(ms - back).toBeGreaterThanOrEqual(0)
      expect(ms - back).toBeLessThanOrEqual(3_600_000)
    }
  }
})

test('changes of the clock', () => {
  const l = (day: number, hour: number, minute = 0) => ({ year: 2026, month: 3, day, hour, minute, second: 0 })
  // 29 March 2026, Berlin: 02:30 does not exist and is 03:30 summer time.
  expect(new Date(instantOf(l(29, 2, 30), 'Europe/Berlin')).toISOString()).toBe('2026-03-29T01:30:00.000Z')
  // 25 October 2026: 02:30 comes twice; the first is summer time.
  expect(new Date(instantOf({ ...l(25, 2, 30), month: 10 }, 'Europe/Berlin')).toISOString()).toBe('2026-10-25T00:30:00.000Z')
})

test('days of 23 and 25 hours', () => {
  const noon = Date.UTC(2026, 2, 29, 10)
  const hours = (ms: number) => (startOfDay(ms, 'Europe/Berlin', 1) - startOfDay(ms, 'Europe/Berlin')) / 3_600_000
  expect(hours(noon)).toBe(23)
  expect(hours(Date.UTC(2026, 9, 25, 10))).toBe(25)
  expect(hours(Date.UTC(2026, 5, 1, 10))).toBe(24)
})

test('months carry over years', () => {
  expect(new Date(startOfMonth(Date.UTC(2026, 1, 3), 'UTC', -11)).toISOString()).toBe('2025-03-01T00:00:00.000Z')
})

test('offsets as text', () => {
  expect(offsetText(0, 'UTC')).toBe('UTC')
  expect(offsetText(Date.UTC(2026, 0, 1), 'Asia/Kathmandu')).toBe('UTC+05:45')
  expect(offsetText(Date.UTC(2026, 0, 1), 'America/St_Johns')).toBe('UTC−03:30')
})

test('zones', () => {
  expect(zones()[0]).toBe('UTC')
  expect(zones().length).toBeGreaterThan(300)
  expect(isZone('Mars/Olympus')).toBe(false)
})
