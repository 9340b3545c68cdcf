// RFC 3339 times with all their digits. Dates of JavaScript end at ms.

/** µs since the epoch of an RFC 3339 time, the rest of a µs cut off; null where it is none. */
export function micros(text: string): bigint | null {
  const m = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(text)
  if (!m) return null
  const seconds = Date.parse(m[1]! + m[3]!)
  if (Number.isNaN(seconds)) return null
  return BigInt(seconds) * 1000n + BigInt((m[2] ?? '').slice(0, 6).padEnd(6, '0'))
}

/** fromMicros is the RFC 3339 time in UTC, without a fraction that is zero. */
export function fromMicros(us: bigint): string {
  const rest = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n
  const whole = new Date(Number((us - rest) / 1000n)).toISOString().slice(0, 19)
  return rest === 0n ? whole + 'Z' : `${whole}.${String(rest).padStart(6, '0')}Z`
}

/** fromMillis is the RFC 3339 time of ms since the epoch. */
export function fromMillis(ms: number): string {
  return fromMicros(BigInt(Math.round(ms)) * 1000n)
}

/** millis is ms since the epoch, NaN where the text is no time. */
export function millis(text: string): number {
  const us = micros(text)
  return us === null ? NaN : Number(us) / 1000
}

/** lastBefore is the last instant that the server tells from `to`: 1 µs before it. */
export function lastBefore(to: string): string {
  const us = micros(to)
  return us === null ? to : fromMicros(us - 1n)
}
