// The strip above the timeline: how many runs were at work at each moment of
// the whole trace, and the window of what is in view, to be moved.
import type { JSX } from 'preact'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { Forest } from './forest'
import { busy, clamp, most, type Range } from './scale'
import { useSize } from './virtual'

const HEIGHT = 40

/** The overview of a trace. */
export function Overview({ forest: f, range, set }: { forest: Forest; range: Range; set(r: Range): void }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const box = useRef<HTMLDivElement>(null)
  const { width } = useSize(box)
  const grip = useRef<number | null>(null)
  const leaves = useMemo(() => f.kids.flatMap((kids, i) => (kids.length ? [] : [i])), [f])
  const levels = useMemo(() => busy(f.start, f.end, leaves, f.span, Math.max(1, Math.floor(width))), [f, leaves, width])
  useLayoutEffect(() => {
    const el = canvas.current
    if (el && width) draw(el, width, levels)
  }, [levels, width])
  const time = (e: PointerEvent) => {
    const r = box.current!.getBoundingClientRect()
    return ((e.clientX - r.left) / r.width) * f.span
  }
  const move = (e: PointerEvent) => {
    if (grip.current === null) return
    const from = time(e) - grip.current
    set(clamp({ from, to: from + range.to - range.from }, f.span))
  }
  const share = (ms: number) => `${(ms / (f.span || 1)) * 100}%`
  const atOnce = useMemo(() => most(f.start, f.end, leaves), [f, leaves])
  return (
    <div
      class="rs-overview"
      ref={box}
      title={`At most ${atOnce} at work at once`}
      onPointerDown={(e) => {
        ;(e.currentTarget as HTMLElement).setPointerCapture(e.pointerId)
        const t = time(e)
        grip.current = t >= range.from && t <= range.to ? t - range.from : (range.to - range.from) / 2
        move(e)
      }}
      onPointerMove={move}
      onPointerUp={() => (grip.current = null)}
    >
      <canvas ref={canvas} />
      <i class="rs-window" style={{ insetInlineStart: share(range.from), width: share(range.to - range.from) }} />
      <span class="rs-overview-most num">{atOnce > 1 && `×${atOnce}`}</span>
    </div>
  )
}

function draw(el: HTMLCanvasElement, width: number, levels: Float64Array): void {
  const scale = devicePixelRatio || 1
  el.width = width * scale
  el.height = HEIGHT * scale
  el.style.width = `${width}px`
  el.style.height = `${HEIGHT}px`
  const ctx = el.getContext('2d')
  if (!ctx) return
  ctx.scale(scale, scale)
  ctx.fillStyle = getComputedStyle(el).color
  const peak = levels.reduce((a, b) => Math.max(a, b), 1)
  levels.forEach((n, x) => {
    const h = n ? Math.max(2, (n / peak) * (HEIGHT - 6)) : 0
    ctx.fillRect(x, HEIGHT - h, 1, h)
  })
}
