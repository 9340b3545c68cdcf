// The tab of charts.
import { useMemo, useState } from 'preact/hooks'
import { count } from '../format'
import { millis } from '../instant'
import { useLive } from '../live'
import { useLoad } from '../load'
import { defaultPreset, fits, intervals, presets } from '../range'
import { setParams, useParams } from '../state'
import type { Metrics } from '../types'
import { ErrorNotice } from '../ui/error'
import { Icon } from '../ui/icons'
import { RangePicker } from '../ui/RangePicker'
import { Chart } from './Chart'
import { chartsOf, percentiles, type ChartData, type Percentile } from './charts'
import { askCharts, charts as kept, chartState } from './load'
import './monitoring.css'

export function Monitoring({ app }: { app: string }) {
  const q = useParams()
  const [hover, setHover] = useState<number | null>(null)
  const state = chartState(app, q)
  const { zone, by } = state
  const view = useLoad((signal) => askCharts(state, q, signal), state.key, kept)
  useLive(view.reload)

  const lat = q.get('lat') ?? 'p95'
  const lines = useMemo(() => new Set(lat.split(',').filter((p): p is Percentile => (percentiles as readonly string[]).includes(p))), [lat])
  const shown = view.data
  const metrics = shown?.metrics
  const charts = useMemo(() => (metrics ? chartsOf(metrics, lines) : null), [metrics, lines])
  const bars = shown?.bars ?? []

  const pick = (chart: ChartData, bar: number, series: number | null) => {
    const b = bars[bar]
    if (!b) return
    const status = series === null ? undefined : chart.series[series]?.status
    setParams({ tab: 'traces', range: null, from: b.from, to: b.to, page: null, ...(status ? { status } : {}) })
  }
  const zoom = (first: number, last: number) => {
    const a = bars[first]
    const b = bars[last]
    if (!a || !b) return
    // Bars of days become hours where only one or two of them are left.
    const finer = last - first < 2 && millis(b.to) - millis(a.from) <= 49 * 3_600_000
    setParams({ range: null, from: a.from, to: b.to, ...(finer ? { by: 'hour' } : {}) })
  }
  const toggle = (p: Percentile) => {
    const next = percentiles.filter((x) => (x === p ? !lines.has(x) : lines.has(x)))
    setParams({ lat: next.length === 0 ? 'none' : next.join(',') }, { replace: true })
  }

  return (
    <>
      <div class="toolbar">
        <RangePicker zone={zone} none={presets.find((p) => p.id === defaultPreset)!.label} clearable={false} />
        <div class="segments" role="group" aria-label="Width of a bar">
          {intervals.map((i) => (
            <button key={i.id} type="button" aria-pressed={i.id === by} disabled={!fits(i.id, state.window)} onClick={() => setParams({ by: i.id })}>
              {i.label}
            </button>
          ))}
        </div>
        <span class="spacer" />
        <span class="hint" role="status">
          {view.loading && shown ? 'Refreshing…' : ''}
        </span>
      </div>
      {view.error && <ErrorNotice error={view.error} what="The charts could not be loaded" onRetry={view.reload} />}
      {charts && shown ? (
        <div class={`charts${view.loading ? ' stale' : ''}`} aria-busy={view.loading} data-from={shown.window.from} data-to={shown.window.to}>
          {charts.map((c) => (
            <Chart
              key={c.id}
              data={c}
              bars={bars}
              by={shown.by}
              zone={shown.zone}
              hover={hover}
              onHover={setHover}
              onPick={(bar, s) => pick(c, bar, s)}
              onZoom={zoom}
              note={c.id === 'cost' ? <Unpriced metrics={shown.metrics} hover={hover} /> : undefined}
              controls={c.id === 'latency' ? <Lines on={lines} toggle={toggle} /> : undefined}
            />
          ))}
        </div>
      ) : (
        !view.error && <Skeleton />
      )}
      {shown && shown.metrics.summary.invocation_count === 0 && !view.loading && (
        <p class="notice none" role="status">
          No traces started in this range.{' '}
          <button type="button" class="link" onClick={() => setParams({ range: '12mo', from: null, to: null })}>
            Show the last 12 months
          </button>
        </p>
      )}
    </>
  )
}

function Unpriced({ metrics, hover }: { metrics: Metrics; hover: number | null }) {
  const stats = (hover === null ? null : metrics.series[hover]?.metrics) ?? metrics.summary
  const n = stats.usage.unpriced_count
  if (n === 0) return null
  return (
    <p class="unpriced" title="Their cost is unknown: they came without one, and no price of their model is known. Give prices with serve --prices.">
      <Icon name="warn" size={14} />
      <span>
        Incomplete: <b class="num">{count(n)}</b> unpriced {n === 1 ? 'call' : 'calls'} in {count(stats.invocation_count)} traces
      </span>
    </p>
  )
}

function Lines({ on, toggle }: { on: ReadonlySet<Percentile>; toggle(p: Percentile): void }) {
  return (
    <div class="segments small" role="group" aria-label="Percentiles">
      {percentiles.map((p) => (
        <button key={p} type="button" aria-pressed={on.has(p)} onClick={() => toggle(p)}>
          {p}
        </button>
      ))}
    </div>
  )
}

function Skeleton() {
  return (
    <div class="charts" aria-busy="true" aria-label="Loading the charts">
      {['Cost', 'Tokens', 'Requests', 'Latency'].map((title) => (
        <section key={title} class="chart panel">
          <header>
            <h2>{title}</h2>
          </header>
          <div class="skeleton line wide" />
          <div class="skeleton line" />
          <div class="skeleton block" />
        </section>
      ))}
    </div>
  )
}
