// What the four charts show of the answer of the metrics call. Nothing is
// computed here that the API gives; see `rest` for the one thing it does not.
import { compact, count, exactUsd, seconds, usd } from '../format'
import type { Metrics, Stats, TraceStatus } from '../types'

export interface Series {
  id: string
  label: string
  /** Custom property with the colour. */
  color: string
  values: (number | null)[]
  /** For the whole period. */
  total: number | null
  status?: TraceStatus
}

export interface ChartData {
  id: 'cost' | 'tokens' | 'requests' | 'latency'
  title: string
  kind: 'stack' | 'lines'
  /** The number of the period. */
  total: number | null
  totals: (number | null)[]
  series: Series[]
  /** A value as it stands beside its name, exact. */
  exact(v: number | null): string
  /** The number of the period, large. */
  headline(v: number | null): string
  axis(v: number): string
}

export const percentiles = ['p50', 'p95', 'p99'] as const
export type Percentile = (typeof percentiles)[number]

type Pick = (s: Stats) => number | null

function series(m: Metrics, id: string, label: string, color: string, pick: Pick, status?: TraceStatus): Series {
  const s: Series = { id, label, color, values: m.series.map((p) => pick(p.metrics)), total: pick(m.summary) }
  if (status) s.status = status
  return s
}

/**
 * rest is what a total holds beyond its two parts: runs that came with a total
 * only. Below 1e-9 of the total it is the rounding of sums and shown as none.
 */
export function rest(total: number | null, ...parts: (number | null)[]): number {
  const r = (total ?? 0) - parts.reduce<number>((a, b) => a + (b ?? 0), 0)
  return r > (total ?? 0) * 1e-9 ? r : 0
}

/** withRest adds the rest as a series, where there is any. */
function withRest(m: Metrics, total: Pick, parts: Series[], picks: Pick[]): Series[] {
  const pick: Pick = (s) => rest(total(s), ...picks.map((p) => p(s)))
  return m.series.some((p) => pick(p.metrics)! > 0) ? [...parts, series(m, 'rest', 'Not split', '--c3', pick)] : parts
}

export function chartsOf(m: Metrics, shown: ReadonlySet<Percentile>): ChartData[] {
  return [cost(m), tokens(m), requests(m), latency(m, shown)]
}

function stack(m: Metrics, id: ChartData['id'], title: string, total: Pick, parts: Series[]): Omit<ChartData, 'exact' | 'headline' | 'axis'> {
  return { id, title, kind: 'stack', total: total(m.summary), totals: m.series.map((p) => total(p.metrics)), series: parts }
}

function cost(m: Metrics): ChartData {
  const all: Pick = (s) => s.usage.total_tokens_cost_usd
  const picks: Pick[] = [(s) => s.usage.prompt_tokens_cost_usd, (s) => s.usage.completion_tokens_cost_usd]
  const parts = withRest(m, all, [series(m, 'prompt', 'Prompt', '--c1', picks[0]!), series(m, 'completion', 'Completion', '--c2', picks[1]!)], picks)
  return { ...stack(m, 'cost', 'Cost', all, parts), exact: exactUsd, headline: usd, axis: (v) => (v >= 1000 ? '$' + compact(v) : usd(v)) }
}

function tokens(m: Metrics): ChartData {
  const all: Pick = (s) => s.usage.total_tokens
  const picks: Pick[] = [(s) => s.usage.prompt_tokens, (s) => s.usage.completion_tokens]
  const parts = withRest(m, all, [series(m, 'prompt', 'Prompt', '--c1', picks[0]!), series(m, 'completion', 'Completion', '--c2', picks[1]!)], picks)
  return { ...stack(m, 'tokens', 'Tokens', all, parts), exact: count, headline: count, axis: compact }
}

function requests(m: Metrics): ChartData {
  const parts = [
    series(m, 'succeeded', 'Succeeded', '--c-ok', (s) => s.success_count, 'succeeded'),
    series(m, 'failed', 'Failed', '--c-bad', (s) => s.failure_count, 'failed'),
    series(m, 'canceled', 'Canceled', '--c-off', (s) => s.canceled_count, 'canceled'),
  ]
  const running = series(m, 'running', 'Running', '--c-run', (s) => s.running_count, 'running')
  if (running.values.some((v) => v)) parts.push(running)
  return { ...stack(m, 'requests', 'Requests', (s) => s.invocation_count, parts), exact: count, headline: count, axis: compact }
}

const lineColors: Record<Percentile, string> = { p50: '--c3', p95: '--c2', p99: '--c4' }

function latency(m: Metrics, shown: ReadonlySet<Percentile>): ChartData {
  const avg: Pick = (s) => s.duration.avg
  return {
    id: 'latency',
    title: 'Latency',
    kind: 'lines',
    total: avg(m.summary),
    totals: m.series.map((p) => avg(p.metrics)),
    series: [
      series(m, 'avg', 'Average', '--c1', avg),
      ...percentiles.filter((p) => shown.has(p)).map((p) => series(m, p, p, lineColors[p], (s) => s.duration[p])),
    ],
    exact: seconds,
    headline: (v) => (v === null ? '—' : seconds(Number(v.toFixed(0)))),
    axis: (v) => `${Number((v / 1000).toPrecision(3))} s`,
  }
}

/** stacked adds each series to those below it; what is not known adds nothing. */
export function stacked(list: readonly Series[]): number[][] {
  const out: number[][] = []
  for (const s of list) {
    const below = out.at(-1)
    out.push(s.values.map((v, i) => (v ?? 0) + (below?.[i] ?? 0)))
  }
  return out
}

/** segmentAt is the index of the part of a stack that a height lies in; the last one above all. */
export function segmentAt(stack: readonly number[][], bar: number, height: number): number {
  const i = stack.findIndex((s) => height <= (s[bar] ?? 0))
  return i < 0 ? stack.length - 1 : i
}
