/** Milliseconds since the epoch of an RFC 3339 time, with its microseconds; NaN where it is none. */
export function parseTime(text: string | undefined | null): number {
  if (!text) return NaN
  const fraction = /^(.{19})\.(\d+)(.*)$/.exec(text)
  return fraction ? Date.parse(fraction[1]! + fraction[3]!) + Number('0.' + fraction[2]) * 1000 : Date.parse(text)
}
