// Time zones: what the clock on a wall says at an instant, and the other way
// round. The database of zones is the browser's; the server has its own.

/** The date and time that clocks of a zone show. */
export interface Local {
  year: number
  month: number // 1–12
  day: number
  hour: number
  minute: number
  second: number
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clock(zone: string): Intl.DateTimeFormat {
  let f = clocks.get(zone)
  if (!f) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    clocks.set(zone, f)
  }
  return f
}

let own: string | undefined

/** The zone of this browser when the page came, UTC where it does not say. */
export function browserZone(): string {
  if (own === undefined) {
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone
    own = zone && isZone(zone) ? zone : 'UTC'
  }
  return own
}

export function isZone(zone: string): boolean {
  try {
    clock(zone)
    return true
  } catch {
    return false
  }
}

/** All zones that the browser knows, UTC first. */
export function zones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')]
}

/** localOf is what clocks of the zone show at ms since the epoch. */
export function localOf(ms: number, zone: string): Local {
  const out: Record<string, number> = {}
  for (const p of clock(zone).formatToParts(ms)) if (p.type !== 'literal') out[p.type] = Number(p.value)
  return out as unknown as Local
}

function utc(l: Local): number {
  return Date.UTC(l.year, l.month - 1, l.day, l.hour, l.minute, l.second)
}

/** offsetAt is local time less UTC in ms, at ms since the epoch. */
export function offsetAt(ms: number, zone: string): number {
  const whole = Math.floor(ms / 1000) * 1000
  return utc(localOf(whole, zone)) - whole
}

/**
 * instantOf is the instant (ms since the epoch) at which clocks of the zone
 * show a local time; fields out of range carry over (day 0 = the day before
 * the first). A time that comes twice is the first one; a time that clocks
 * skip is as much later as they skip.
 */
export function instantOf(l: Local, zone: string): number {
  const wall = utc(l)
  const before = offsetAt(wall - 86_400_000, zone)
  const after = offsetAt(wall + 86_400_000, zone)
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    if (offsetAt(wall - offset, zone) === offset) return wall - offset
  }
  return wall - before
}

/** startOfDay is the first instant of the local day, `days` later (or earlier). */
export function startOfDay(ms: number, zone: string, days = 0): number {
  const l = localOf(ms, zone)
  return instantOf({ ...l, day: l.day + days, hour: 0, minute: 0, second: 0 }, zone)
}

/** startOfMonth is the first instant of the local month, `months` later (or earlier). */
export function startOfMonth(ms: number, zone: string, months = 0): number {
  const l = localOf(ms, zone)
  return instantOf({ ...l, month: l.month + months, day: 1, hour: 0, minute: 0, second: 0 }, zone)
}

/** offsetText is "UTC+05:45" of a zone at an instant. */
export function offsetText(ms: number, zone: string): string {
  const min = Math.round(offsetAt(ms, zone) / 60_000)
  const abs = Math.abs(min)
  const two = (n: number) => String(n).padStart(2, '0')
  return min === 0 ? 'UTC' : `UTC${min < 0 ? '−' : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`
}
