// A chart drawn by uPlot. The x scale counts bars, so that days of 23 and 25
// hours and months of 28 and 31 days are equally wide.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { cssVar } from '../theme'
import { segmentAt, stacked, type ChartData } from './charts'

/** Charts with this key show one crosshair. */
const sync = 'monitoring'

export interface PlotEvents {
  /** The bar under the pointer or the keyboard; null = none. */
  onHover(bar: number | null): void
  /** A click on a bar; the series is that of the part that was hit, in a stack. */
  onPick(bar: number, series: number | null): void
  /** Bars that were dragged over. */
  onZoom(first: number, last: number): void
}

export interface Axis {
  ticks(room: number): number[]
  label(bar: number): string
}

/** The place for a plot, in px. */
export interface Room {
  width: number
  height: number
}

export interface Plot {
  resize(room: Room): void
  /** Puts the crosshair of all charts on a bar. */
  point(bar: number | null): void
  destroy(): void
}

/** The width of the y axis in px. */
const yWidth = 64

/** drawPlot draws into root, as large as the room. */
export function drawPlot(root: HTMLElement, room: Room, data: ChartData, axis: Axis, on: PlotEvents): Plot {
  const n = data.totals.length
  const stack = data.kind === 'stack' ? stacked(data.series) : null
  const x = Array.from({ length: n }, (_, i) => i)
  // The highest of a stack is drawn first, the others over it.
  const ys: (number | null)[][] = stack ? [...stack].reverse() : data.series.map((s) => s.values)
  const list = stack ? [...data.series].reverse() : data.series
  let dragged = false
  // The crosshair stands on bars, where uPlot's own follows the pointer.
  const hair = document.createElement('div')
  hair.className = 'crosshair'
  hair.hidden = true

  const u = new uPlot(
    {
      ...sizeIn(room),
      padding: [10, 4, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [-0.5, Math.max(n, 1) - 0.5] },
        y: { range: (_u, _min, max) => [0, Number.isFinite(max) && max > 0 ? max * 1.06 : 1] },
      },
      axes: [xAxis(axis), yAxis(data)],
      series: [{}, ...list.map((s) => (stack ? bars(cssVar(s.color)) : line(cssVar(s.color), n)))],
      cursor: {
        x: false,
        y: false,
        points: stack ? { show: false } : { size: 7 },
        // Drags are told from clicks below: a hand that shakes still clicks.
        drag: { x: true, y: false, setScale: false, click: () => undefined },
        sync: { key: sync, setSeries: false, scales: ['x', null] },
      },
      hooks: {
        setCursor: [
          (self) => {
            const bar = self.cursor.idx ?? null
            hair.hidden = bar === null
            if (bar !== null) hair.style.transform = `translateX(${self.valToPos(bar, 'x')}px)`
            on.onHover(bar)
          },
        ],
        setSelect: [
          (self) => {
            const { left, width } = self.select
            if (width < 4) return
            dragged = true
            const at = (px: number) => Math.min(n - 1, Math.max(0, Math.round(self.posToVal(px, 'x'))))
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            on.onZoom(at(left), at(left + width))
          },
        ],
      },
    },
    [x, ...ys] as uPlot.AlignedData,
    root,
  )
  u.over.append(hair)
  u.over.addEventListener('mousedown', () => (dragged = false))
  u.over.addEventListener('click', () => {
    const bar = u.cursor.idx
    if (dragged || bar === null || bar === undefined) return
    on.onPick(bar, stack ? segmentAt(stack, bar, u.posToVal(u.cursor.top ?? 0, 'y')) : null)
  })
  return {
    resize: (room) => u.setSize(sizeIn(room)),
    point: (bar) => u.setCursor(bar === null ? { left: -10, top: -10 } : { left: u.valToPos(bar, 'x'), top: u.over.clientHeight / 2 }),
    destroy: () => u.destroy(),
  }
}

const font = () => `11px ${cssVar('--font')}`

/** sizeIn is the size of a plot: never too small for its axes. */
function sizeIn(room: Room): Room {
  return { width: Math.max(room.width, 120), height: Math.max(room.height, 100) }
}

function xAxis(axis: Axis): uPlot.Axis {
  return {
    stroke: cssVar('--text-3'),
    font: font(),
    size: 28,
    gap: 6,
    grid: { show: false },
    ticks: { show: false },
    // The plot is asked before it is laid out: its own width is not known yet.
    splits: (u) => axis.ticks(Math.max(2, Math.floor((u.width - yWidth) / 64))),
    values: (_u, splits) => splits.map((i) => axis.label(i)),
  }
}

function yAxis(data: ChartData): uPlot.Axis {
  return {
    stroke: cssVar('--text-3'),
    font: font(),
    size: yWidth,
    gap: 6,
    space: 30,
    grid: { stroke: cssVar('--grid'), width: 1 },
    ticks: { show: false },
    ...(data.id === 'tokens' || data.id === 'requests' ? { incrs: [1, 2, 5].flatMap((m) => Array.from({ length: 16 }, (_, e) => m * 10 ** e)).sort((a, b) => a - b) } : {}),
    values: (_u, splits) => splits.map((v) => data.axis(v)),
  }
}

function bars(color: string): uPlot.Series {
  return { fill: color, stroke: color, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.72, 44], radius: 0 }) }
}

function line(color: string, n: number): uPlot.Series {
  return { stroke: color, width: 1.75, spanGaps: false, points: { show: n <= 62, size: 5, fill: color } }
}
