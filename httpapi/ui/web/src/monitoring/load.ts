// What the charts ask the server, and the last answers to it.
import { path, text, type Answer } from '../api'
import { Kept } from '../kept'
import { keyOf } from '../load'
import { barsOf, chosenInterval, metricsWindow, rangeOf, windowOf, type Bar, type Interval, type Window } from '../range'
import type { Metrics } from '../types'
import { zoneOf } from '../zonestate'

export interface Shown {
  metrics: Metrics
  window: Window
  bars: Bar[]
  by: Interval
  zone: string
  /** The answer as it came. */
  text: string
}

/** What of the address the charts depend on. */
export interface ChartState {
  app: string
  zone: string
  by: Interval
  /** The window as of now. */
  window: Window
  key: string
}

export const charts = new Kept<Shown>(6)

export function chartState(app: string, q: URLSearchParams): ChartState {
  const zone = zoneOf(q)
  const range = rangeOf(q)
  const window = windowOf(range, Date.now(), zone)
  const by = chosenInterval(q, window)
  return { app, zone, by, window, key: keyOf(app, range, by, zone) }
}

/** askCharts asks for the window that ends now. An answer equal to the kept one gives the same numbers again, which need not be drawn. */
export async function askCharts({ app, by, zone, key }: ChartState, q: URLSearchParams, signal?: AbortSignal): Promise<Shown> {
  const window = windowOf(rangeOf(q), Date.now(), zone)
  const query = { ...metricsWindow(window), interval: by, timezone: zone }
  const answer = await text(path('v1', 'apps', app, 'metrics'), { query, signal })
  const old = charts.get(key)
  const metrics = old?.text === answer ? old.metrics : (JSON.parse(answer) as Answer<Metrics>).data
  const bars = barsOf(metrics.series.map((p) => p.timestamp), window)
  return { metrics, window, bars, by, zone, text: answer }
}

/** warmCharts asks for what the tab would show, ahead of showing it. */
export function warmCharts(app: string, q: URLSearchParams): void {
  const s = chartState(app, q)
  charts.warm(s.key, () => askCharts(s, q))
}
