// Names of bars in the zone of the page.
import { dayMonth, hourMinute, monthYear, shortTime, weekday } from '../format'
import { millis } from '../instant'
import type { Bar, Interval } from '../range'
import { localOf, startOfDay } from '../zone'

/** barLabel says which time a bar covers, as exactly as it has to. */
export function barLabel(bar: Bar, by: Interval, zone: string): string {
  const from = millis(bar.from)
  const to = millis(bar.to)
  if (by === 'hour') return `${shortTime(bar.from, zone)} – ${hourMinute(bar.to, zone)}`
  const wholeDays = startOfDay(from, zone) === from && startOfDay(to, zone) === to
  if (!wholeDays) {
    const sameDay = startOfDay(from, zone) === startOfDay(to - 1, zone)
    return sameDay
      ? `${weekday(bar.from, zone)}, ${hourMinute(bar.from, zone)} – ${hourMinute(bar.to, zone)}`
      : `${shortTime(bar.from, zone)} – ${shortTime(bar.to, zone)}`
  }
  if (by === 'day') return weekday(bar.from, zone)
  if (by === 'month' && localOf(from, zone).day === 1 && localOf(to, zone).day === 1) return monthYear(bar.from, zone)
  const last = new Date(to - 1).toISOString()
  return `${dayMonth(bar.from, zone)} – ${weekday(last, zone)}`
}

/** tickLabel is short: an axis has little room. */
export function tickLabel(bar: Bar, by: Interval, zone: string): string {
  if (by === 'hour') return localOf(millis(bar.from), zone).hour === 0 ? dayMonth(bar.from, zone) : hourMinute(bar.from, zone)
  if (by === 'month') return monthYear(bar.from, zone).replace(/^(\w{3})\w*/, '$1')
  return dayMonth(bar.from, zone)
}

/** ticks are the indexes of bars that get a label when `room` of them fit. */
export function ticks(bars: readonly Bar[], by: Interval, zone: string, room: number): number[] {
  const steps = by === 'hour' ? [1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 1440] : [1, 2, 5, 7, 14, 30, 60]
  const step = steps.find((s) => bars.length / s <= room) ?? Math.ceil(bars.length / room)
  // Labels of hours stand at whole multiples of the step on the clock.
  const first = by === 'hour' ? (24 - localOf(millis(bars[0]?.from ?? ''), zone).hour) % Math.min(step, 24) : 0
  const out: number[] = []
  for (let i = first; i < bars.length; i += step) out.push(i)
  return out
}
