/** Milliseconds since the epoch of an RFC 3339 time, with its microseconds; NaN where it is none. */
export function parseTime(text: string | undefined | null): number {
  if (!text) return NaN
  const ms = Date.parse(text) // takes three digits of a fraction
  if (text.charCodeAt(19) !== 46) return ms
  let rest = 0
  let unit = 0.1
  for (let i = 23; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) break
    rest += digit * unit
    unit /= 10
  }
  return ms + rest
}
