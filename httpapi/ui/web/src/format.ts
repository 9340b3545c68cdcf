// Numbers and times as people read them. What is rounded on screen has its
// exact value beside it, in a title or on hover.
import { micros, millis } from './instant'

/** Stands for a value that is not known; never 0. */
export const unknown = '—'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** A number that may not be known: absent, or NaN where sums are kept in arrays. */
export type Maybe = number | null | undefined

function known(n: Maybe): n is number {
  return n !== null && n !== undefined && !Number.isNaN(n)
}

export function count(n: Maybe): string {
  return known(n) ? whole.format(n) : unknown
}

/** plural is a number of things: 1 run, 2 runs. */
export function plural(n: number, one: string): string {
  return `${whole.format(n)} ${one}${n === 1 ? '' : 's'}`
}

/** compact is for axes and tight places: 1.2K, 3.4M. */
export function compact(n: number): string {
  return short.format(n)
}

/** size is a length in characters or bytes: 512 B, 64 KB, 4.9 MB. */
export function size(n: number): string {
  if (n < 1024) return `${n} B`
  if (n < 1 << 20) return decimal(n / 1024, n < 10_240 ? 1 : 0, 0) + ' KB'
  return n < 1 << 30 ? decimal(n / (1 << 20), 1, 0) + ' MB' : decimal(n / (1 << 30), 1, 0) + ' GB'
}

/** A decimal without an exponent and without zeros at its end: the digits of the API where they fit `most` decimals. */
function decimal(n: number, most: number, least: number): string {
  const abs = Math.abs(n)
  let digits = String(abs)
  if (digits.includes('e') || (digits.split('.')[1] ?? '').length > most) digits = abs.toFixed(most)
  const [int, frac = ''] = digits.split('.')
  const kept = frac.replace(/0+$/, '').padEnd(least, '0')
  return (n < 0 ? '-' : '') + whole.format(BigInt(int!)) + (kept ? '.' + kept : '')
}

/** usd keeps four significant digits below a dollar, cents above a hundred. */
export function usd(n: Maybe): string {
  if (!known(n)) return unknown
  const abs = Math.abs(n)
  if (abs === 0) return '$0.00'
  if (abs >= 100) return '$' + decimal(n, 2, 2)
  if (abs >= 1) return '$' + decimal(n, 4, 2)
  return '$' + decimal(n, Math.min(12, 3 - Math.floor(Math.log10(abs))), 2)
}

/** exactUsd has all digits that sums are exact to: 1e-12 USD. */
export function exactUsd(n: Maybe): string {
  return known(n) ? '$' + decimal(n, 12, 2) : unknown
}

/** seconds is a duration in ms as seconds, exact to the microsecond. */
export function seconds(ms: Maybe): string {
  return known(ms) ? decimal(ms / 1000, 6, 2) + ' s' : unknown
}

/** duration is a duration in ms in the unit that fits it. */
export function duration(ms: Maybe): string {
  if (!known(ms)) return unknown
  if (ms < 1) return decimal(ms, 3, 0) + ' ms'
  if (ms < 999.5) return decimal(ms, ms < 99.5 ? 1 : 0, 0) + ' ms'
  if (ms < 59_995) return decimal(ms / 1000, 2, 2) + ' s'
  const s = Math.round(ms / 1000)
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, '0')}s`
  const m = Math.round(s / 60)
  if (m < 60 * 48) return `${Math.floor(m / 60)}h ${String(m % 60).padStart(2, '0')}m`
  const h = Math.round(s / 3600)
  return `${Math.floor(h / 24)}d ${h % 24}h`
}

/** exactDuration has all digits: "2,500.123 ms". */
export function exactDuration(ms: Maybe): string {
  return known(ms) ? decimal(ms, 6, 0) + ' ms' : unknown
}

export function percent(part: number, all: number): string {
  if (all === 0) return '0%'
  const p = (part / all) * 100
  if (p > 0 && p < 0.1) return '<0.1%'
  if (p > 99.9 && p < 100) return '>99.9%'
  return decimal(p, 1, 0) + '%'
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** format is kept: making one costs more than using it a hundred times. No zone is the browser's. */
function format(zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  let f = formats.get(key)
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options })
    formats.set(key, f)
  }
  return f
}

/** time is "22 Nov 2026, 13:05:07" in the zone. */
export function time(text: string | null | undefined, zone: string): string {
  if (!text) return unknown
  const ms = millis(text)
  if (Number.isNaN(ms)) return text
  return format(zone, {
    day: '2-digit', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
  }).format(ms)
}

/** timeMillis is time to the millisecond: "22 Nov 2026, 13:05:07.123"; as it came where it is none. */
export function timeMillis(text: string | null | undefined, zone: string | undefined): string {
  if (!text) return unknown
  const ms = millis(text)
  if (Number.isNaN(ms)) return text
  return format(zone, {
    day: '2-digit', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3,
  }).format(ms)
}

/** shortTime leaves the year and the seconds out: "22 Nov, 13:05". */
export function shortTime(text: string, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(millis(text))
}

export function day(text: string, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short', year: 'numeric' }).format(millis(text))
}

export function weekday(text: string, zone: string): string {
  return format(zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(millis(text))
}

export function monthYear(text: string, zone: string): string {
  return format(zone, { month: 'long', year: 'numeric' }).format(millis(text))
}

export function dayMonth(text: string, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short' }).format(millis(text))
}

export function hourMinute(text: string, zone: string): string {
  return format(zone, { hour: '2-digit', minute: '2-digit' }).format(millis(text))
}

/** ago is "3 min ago", or "in 5 s" for clocks that differ. */
export function ago(text: string, now: number): string {
  const us = micros(text)
  if (us === null) return text
  const s = Math.round((now - Number(us) / 1000) / 1000)
  if (s < 0) return s > -5 ? 'now' : `in ${-s} s`
  if (s < 5) return 'now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  return `${Math.floor(s / 86_400)} d ago`
}
