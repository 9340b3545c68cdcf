// How durations, sizes, counts and sums of money are written in the sheet.

/** A length of time in ms: 412 µs, 38 ms, 6.25 s, 3 m 12 s, 2 h 5 m. Unknown is a dash. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–'
  if (ms === 0) return '0 ms'
  if (ms < 1) return `${Math.round(ms * 1000)} µs`
  if (ms < 10) return `${trim(ms.toFixed(1))} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`
  const s = Math.round(ms / 1000)
  if (s < 3600) return two(Math.floor(s / 60), 'm', s % 60, 's')
  return two(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'm')
}

function two(a: number, unit: string, b: number, small: string): string {
  return b ? `${a} ${unit} ${b} ${small}` : `${a} ${unit}`
}

function trim(s: string): string {
  return s.replace(/\.0+$/, '')
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A count with separators; unknown is a dash. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined || Number.isNaN(n) ? '–' : whole.format(n)
}

/** A count in a narrow column: 950, 12.3k, 4.1M. */
export function shortCount(n: number | null | undefined): string {
  if (n === null || n === undefined || Number.isNaN(n)) return ''
  if (n < 10_000) return whole.format(n)
  if (n < 999_500) return `${trim((n / 1000).toFixed(n < 99_950 ? 1 : 0))}k`
  return `${trim((n / 1e6).toFixed(1))}M`
}

/** An amount in USD with the digits that matter; unknown is a dash. */
export function money(usd: number | null | undefined): string {
  if (usd === null || usd === undefined || Number.isNaN(usd)) return '–'
  if (usd === 0) return '$0'
  if (usd >= 0.995) return '$' + usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  if (usd >= 0.01) return '$' + usd.toFixed(4)
  return usd >= 0.000001 ? '$' + usd.toFixed(6) : '<$0.000001'
}

/** A size in characters or bytes: 512, 64 KB, 4.9 MB. */
export function size(n: number): string {
  if (n < 1024) return `${n} B`
  return n < 1024 * 1024 ? `${trim((n / 1024).toFixed(n < 10_240 ? 1 : 0))} KB` : `${trim((n / 1024 / 1024).toFixed(1))} MB`
}

/** A number of things: 1 run, 2 runs. */
export function plural(n: number, one: string): string {
  return `${whole.format(n)} ${one}${n === 1 ? '' : 's'}`
}

/** A time for reading, in a zone, to the ms; as it is where it is none. */
export function instant(time: string | null | undefined, zone?: string): string {
  const t = time ? Date.parse(time) : NaN
  if (!time || Number.isNaN(t)) return time ?? '–'
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: zone, year: 'numeric', month: 'short', day: 'numeric' }).format(t)
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }).format(t)
  return `${day}, ${clock}`
}
