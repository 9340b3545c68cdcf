// The arithmetic of the timeline: the stretch of time in view, and its ticks.

/** The stretch in view, ms since t0. */
export interface Range {
  from: number
  to: number
}

/** The least that can be in view: 1 µs on 1,000 px. */
const LEAST = 0.001

/** The range kept inside 0…span and no shorter than can be seen. */
export function clamp(r: Range, span: number): Range {
  const width = Math.min(Math.max(r.to - r.from, LEAST), Math.max(span, LEAST))
  const from = Math.max(0, Math.min(r.from, Math.max(span, LEAST) - width))
  return { from, to: from + width }
}

/** The range made wider (factor > 1) or narrower around a place in it (0…1), which stays where it is. */
export function zoom(r: Range, factor: number, at: number, span: number): Range {
  const width = (r.to - r.from) * factor
  const centre = r.from + (r.to - r.from) * at
  return clamp({ from: centre - width * at, to: centre + width * (1 - at) }, span)
}

/** The range moved by a share of its width. */
export function pan(r: Range, share: number, span: number): Range {
  const by = (r.to - r.from) * share
  return clamp({ from: r.from + by, to: r.to + by }, span)
}

/** Ticks at round times in the range, at most about n. */
export function ticks(r: Range, n: number): number[] {
  const width = r.to - r.from
  if (!(width > 0) || n < 1) return []
  const step = roundStep(width / n)
  const out: number[] = []
  for (let k = Math.ceil(r.from / step); k * step <= r.to; k++) out.push(k * step)
  return out
}

/** The smallest round step that is no less: 1, 2, 5 of the tens below a minute, then those of clocks. */
function roundStep(least: number): number {
  const clocks = [15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400] // s
  if (least > 10_000) {
    const found = clocks.find((c) => c * 1000 >= least)
    if (found) return found * 1000
  }
  const ten = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= least * 0.999999)!
}

/** How many of a list of runs were at work on average in each of n equal stretches of a span. */
export function busy(start: Float64Array, end: Float64Array, list: Iterable<number>, span: number, n: number): Float64Array {
  const steps = new Float64Array(n + 1)
  const out = new Float64Array(n)
  const width = Math.max(span, LEAST) / n
  const stretch = (t: number) => Math.min(n - 1, Math.floor(t / width))
  for (const i of list) {
    const from = start[i]! / width
    const to = end[i]! / width
    const a = stretch(start[i]!)
    const b = stretch(end[i]!)
    if (a === b) {
      out[a]! += to - from
      continue
    }
    out[a]! += a + 1 - from
    out[b]! += to - b
    steps[a + 1]! += 1
    steps[b]! -= 1
  }
  let at = 0
  for (let k = 0; k < n; k++) out[k]! += at += steps[k]!
  return out
}

/** How many of a list of runs were at work at once, at most; one that ends when another begins is not. */
export function most(start: Float64Array, end: Float64Array, list: readonly number[]): number {
  const long = list.filter((i) => end[i]! > start[i]!)
  const starts = Float64Array.from(long, (i) => start[i]!).sort()
  const ends = Float64Array.from(long, (i) => end[i]!).sort()
  let found = 0
  for (let s = 0, e = 0; s < starts.length; s++) {
    while (ends[e]! <= starts[s]!) e++
    found = Math.max(found, s - e + 1)
  }
  return found
}
