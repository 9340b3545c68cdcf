// One card: a number for the period, the legend that doubles as the read-out
// of the crosshair, and the plot.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Bar, Interval } from '../range'
import { useStore } from '../store'
import { shown } from '../theme'
import type { ChartData } from './charts'
import { barLabel, tickLabel, ticks } from './labels'
import { drawPlot, type Plot } from './plot'

export interface ChartProps {
  data: ChartData
  bars: readonly Bar[]
  by: Interval
  zone: string
  /** The bar that the crosshair of all charts is on. */
  hover: number | null
  onHover(bar: number | null): void
  onPick(bar: number, series: number | null): void
  onZoom(first: number, last: number): void
  /** Stands at the right of the title. */
  note?: ComponentChildren
  controls?: ComponentChildren
}

export function Chart(props: ChartProps) {
  const { data, bars, by, zone, hover } = props
  const root = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const scheme = useStore(shown)

  useLayoutEffect(() => {
    const el = root.current
    if (!el) return
    const axis = {
      ticks: (room: number) => ticks(latest.current.bars, by, zone, room),
      label: (i: number) => (latest.current.bars[i] ? tickLabel(latest.current.bars[i], by, zone) : ''),
    }
    const on = {
      onHover: (bar: number | null) => latest.current.onHover(bar),
      onPick: (bar: number, s: number | null) => latest.current.onPick(bar, s),
      onZoom: (a: number, b: number) => latest.current.onZoom(a, b),
    }
    // The browser says the room when it has laid out the page, before it
    // paints: asking for it here would lay out the page once a chart.
    const watch = new ResizeObserver(([entry]) => {
      const room = entry!.contentRect
      if (plot.current) {
        plot.current.resize(room)
        return
      }
      plot.current = drawPlot(el, room, data, axis, on)
      // A refresh leaves the crosshair where the reader has it.
      if (latest.current.hover !== null) plot.current.point(latest.current.hover)
    })
    watch.observe(el)
    return () => {
      watch.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
    // Of the bars only the start of the first can change where the data do not.
  }, [data, bars[0]?.from, by, zone, scheme])

  const at = hover !== null && bars[hover] ? hover : null
  const bar = at === null ? null : bars[at]!
  const move = (to: number) => plot.current?.point(Math.min(bars.length - 1, Math.max(0, to)))
  const onKeyDown = (e: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[e.key]
    if (step !== undefined) move(at === null ? (step < 0 ? bars.length - 1 : 0) : at + step)
    else if (e.key === 'Home') move(0)
    else if (e.key === 'End') move(bars.length - 1)
    else if (e.key === 'Enter' && at !== null) props.onPick(at, null)
    else if (e.key === 'Escape' && at !== null) plot.current?.point(null)
    else return
    e.preventDefault()
    e.stopPropagation()
  }
  const readout = data.series.map((s) => `${s.label} ${data.exact(at === null ? s.total : (s.values[at] ?? null))}`)
  return (
    <section class="chart panel" data-chart={data.id} aria-labelledby={`chart-${data.id}`}>
      <header>
        <h2 id={`chart-${data.id}`}>{data.title}</h2>
        {props.note}
        {props.controls}
      </header>
      <div class="figures">
        <strong class="headline num" title={data.exact(data.total)} data-total={data.total ?? ''}>
          {data.headline(data.total)}
        </strong>
        <span class="what">{data.kind === 'lines' ? 'average of the period' : 'in the period'}</span>
        {bar && (
          <span class="at num">
            {barLabel(bar, by, zone)}
            {data.kind === 'stack' && <b>{data.exact(data.totals[at!] ?? null)}</b>}
          </span>
        )}
      </div>
      <ul class="legend">
        {data.series.map((s) => (
          <li key={s.id} data-series={s.id}>
            <i class={`swatch ${s.color.slice(2)}`} />
            <span>{s.label}</span>
            <b class="num">{data.exact(at === null ? s.total : (s.values[at] ?? null))}</b>
          </li>
        ))}
      </ul>
      <div
        ref={root}
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label={`${data.title}, bar by bar`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, bars.length - 1)}
        aria-valuenow={at ?? 0}
        aria-valuetext={`${bar ? barLabel(bar, by, zone) : 'The whole period'}: ${readout.join(', ')}`}
        onKeyDown={onKeyDown}
        onBlur={() => plot.current?.point(null)}
      />
    </section>
  )
}
