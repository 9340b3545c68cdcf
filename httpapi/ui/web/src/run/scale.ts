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
  const clocks = [
    15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
  ]
  if (least > 10_000) {
    const found = clocks.find((c) => c >= least)
    if (found) return found
  }
  const ten = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= least * 0.999999)!
}

/** How many runs without children are at work in each of n equal stretches of a span. */
export function busy(start: Float64Array, end: Float64Array, list: Iterable<number>, span: number, n: number): Float64Array {
  const steps = new Float64Array(n + 1)
  const width = Math.max(span, LEAST) / n
  for (const i of list) {
    const a = Math.min(n - 1, Math.floor(start[i]! / width))
    const b = Math.min(n - 1, Math.max(a, Math.ceil(end[i]! / width) - 1))
    steps[a]! += 1
    steps[b + 1]! -= 1
  }
  const out = new Float64Array(n)
  let at = 0
  for (let k = 0; k < n; k++) out[k] = at += steps[k]!
  return out
}
