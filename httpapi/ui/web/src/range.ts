// The window of time on screen: presets, custom bounds, and the width of bars.
// `from` is included and `to` is not, everywhere in the page.
import { fromMillis, lastBefore, millis } from './instant'
import { startOfDay, startOfMonth } from './zone'

export const presets = [
  { id: '1h', label: 'Last hour' },
  { id: '24h', label: 'Last 24 hours' },
  { id: '7d', label: 'Last 7 days' },
  { id: '14d', label: 'Last 14 days' },
  { id: '30d', label: 'Last 30 days' },
  { id: '90d', label: 'Last 90 days' },
  { id: '12mo', label: 'Last 12 months' },
] as const

export type Preset = (typeof presets)[number]['id']

export const defaultPreset: Preset = '14d'

export type Interval = 'hour' | 'day' | 'week' | 'month'

export const intervals: readonly { id: Interval; label: string }[] = [
  { id: 'hour', label: 'By Hour' },
  { id: 'day', label: 'By Day' },
  { id: 'week', label: 'By Week' },
  { id: 'month', label: 'By Month' },
]

/** A range as the address has it. */
export type Range = { kind: 'preset'; id: Preset } | { kind: 'custom'; from: string | null; to: string | null } | { kind: 'none' }

export interface Window {
  from: string
  to: string
}

export function rangeOf(q: URLSearchParams): Range {
  const id = q.get('range')
  const preset = presets.find((p) => p.id === id)
  if (preset) return { kind: 'preset', id: preset.id }
  const from = q.get('from')
  const to = q.get('to')
  if (from !== null || to !== null) return { kind: 'custom', from, to }
  return { kind: 'none' }
}

/** The start of a preset. Days and months are whole ones of the zone, today's among them. */
export function presetStart(id: Preset, now: number, zone: string): number {
  switch (id) {
    case '1h':
      return now - 3_600_000
    case '24h':
      return now - 86_400_000
    case '12mo':
      return startOfMonth(now, zone, -11)
    default:
      return startOfDay(now, zone, 1 - Number.parseInt(id, 10))
  }
}

/** windowOf is the window of charts: the default preset where there is no range. */
export function windowOf(range: Range, now: number, zone: string): Window {
  if (range.kind === 'custom') {
    const to = range.to ?? fromMillis(now)
    return { from: range.from ?? fromMillis(presetStart(defaultPreset, millis(to), zone)), to }
  }
  const id = range.kind === 'preset' ? range.id : defaultPreset
  return { from: fromMillis(presetStart(id, now, zone)), to: fromMillis(now) }
}

/** filterOf is the window of lists: none where there is no range; a preset has no end, so that new traces come in. */
export function filterOf(range: Range, now: number, zone: string): { from: string | null; to: string | null } {
  if (range.kind === 'none') return { from: null, to: null }
  if (range.kind === 'custom') return { from: range.from, to: range.to }
  return { from: fromMillis(presetStart(range.id, now, zone)), to: null }
}

/** startedAt is the filter of a window as parameters of the API. */
export function startedAt(w: { from: string | null; to: string | null }): Record<string, string | null> {
  return { 'started_at:gte': w.from, 'started_at:lt': w.to }
}

/** metricsWindow is the window as parameters of the metrics call, which includes its end. */
export function metricsWindow(w: Window): { start_time: string; end_time: string } {
  return { start_time: w.from, end_time: lastBefore(w.to) }
}

const hour = 3_600_000
const width: Record<Interval, number> = { hour, day: 24 * hour, week: 168 * hour, month: 720 * hour }

/** The server gives at most 10,000 bars. */
export function fits(interval: Interval, w: Window): boolean {
  return (millis(w.to) - millis(w.from)) / width[interval] < 9_990
}

/** chosenInterval is the width that the address names, else one that gives a readable number of bars. */
export function chosenInterval(q: URLSearchParams, w: Window): Interval {
  const by = intervals.find((i) => i.id === q.get('by'))?.id
  if (by && fits(by, w)) return by
  const span = millis(w.to) - millis(w.from)
  if (span <= 49 * hour) return 'hour'
  if (span <= 100 * 24 * hour) return 'day'
  if (span <= 366 * 24 * hour) return by === 'hour' ? 'day' : 'week'
  return 'month'
}

/** A bar: what of its bucket lies inside the window. */
export interface Bar {
  from: string
  to: string
}

/** barsOf are the bars of the buckets that begin at starts. */
export function barsOf(starts: readonly string[], w: Window): Bar[] {
  return starts.map((s, i) => ({
    from: i === 0 && millis(s) < millis(w.from) ? w.from : s,
    to: starts[i + 1] ?? w.to,
  }))
}
