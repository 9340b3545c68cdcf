// The runs as a waterfall: when each was at work, with zoom, the critical path,
// and above it how many were at work at once.
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { duration } from '../format'
import { label } from './forest'
import { Icon } from '../ui/icons'
import { lookOf } from './RunIcon'
import { Overview } from './Overview'
import { RowList } from './rowlist'
import { clamp, pan, ticks, zoom, type Range } from './scale'
import type { RowsProps } from './view'
import { useSize } from './virtual'

/** The height of overview and ruler, px; the same in run.css. */
const HEAD = 82

/** The timeline view. */
export function TimelineView(p: RowsProps): JSX.Element {
  const { forest: f } = p
  const scroller = useRef<HTMLDivElement>(null)
  const track = useRef<HTMLDivElement>(null)
  const { width } = useSize(track)
  const [chosen, setRange] = useState<Range | null>(null)
  const [marked, setMarked] = useState(true)
  const range = chosen ? clamp(chosen, f.span) : { from: 0, to: Math.max(f.span, 0.001) }
  const set = (r: Range) => setRange(r.to - r.from >= f.span ? null : r)
  useWheel(scroller, track, range, f.span, set)
  const segments = useMemo(() => {
    const by = new Map<number, { from: number; to: number }[]>()
    for (const s of p.path.segments) {
      const list = by.get(s.run)
      if (list) list.push(s)
      else by.set(s.run, [s])
    }
    return by
  }, [p.path])
  const place = (ms: number) => `${(((ms - range.from) / (range.to - range.from)) * 100).toFixed(4)}%`
  const marks = ticks(range, Math.max(1, Math.floor(width / 56)))
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return
    if (e.key === '+' || e.key === '=') set(zoom(range, 0.6, 0.5, f.span))
    else if (e.key === '-') set(zoom(range, 1 / 0.6, 0.5, f.span))
    else if (e.key === '0') setRange(null)
    else if (e.shiftKey && e.key === 'ArrowLeft') set(pan(range, -0.2, f.span))
    else if (e.shiftKey && e.key === 'ArrowRight') set(pan(range, 0.2, f.span))
    else return
    e.preventDefault()
  }
  return (
    <div class="rs-timeline" onKeyDown={onKeyDown}>
      <div class="rs-bar-tools" role="toolbar" aria-label="Zoom of the timeline">
        <label class="rs-check">
          <input type="checkbox" checked={marked} onChange={(e) => setMarked(e.currentTarget.checked)} />
          Critical path
        </label>
        <span class="rs-hint">drag to zoom, wheel with Ctrl too</span>
        <button
          type="button"
          class="rs-tool"
          aria-label="Zoom in"
          title="Zoom in (+)"
          onClick={() => set(zoom(range, 0.6, 0.5, f.span))}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          class="rs-tool"
          aria-label="Zoom out"
          title="Zoom out (−)"
          onClick={() => set(zoom(range, 1 / 0.6, 0.5, f.span))}
        >
          <Icon name="minus" />
        </button>
        <button
          type="button"
          class="rs-tool"
          aria-label="Whole trace"
          title="Whole trace (0)"
          disabled={!chosen}
          onClick={() => setRange(null)}
        >
          <Icon name="fit" />
        </button>
      </div>
      <RowList
        {...p}
        name="Timeline"
        scroller={scroller}
        above={HEAD}
        head={
          <div class="rs-head rs-timeline-head" role="none" aria-hidden="true">
            <span class="rs-row-name">
              {duration(range.to - range.from)}
              {chosen && ` of ${duration(f.span)}`}
            </span>
            <div class="rs-track" ref={track}>
              <Overview forest={f} range={range} set={set} />
              <Ruler marks={marks} place={place} range={range} set={set} />
            </div>
            <span class="rs-cell">Duration</span>
          </div>
        }
        cells={(i) => (
          <>
            <Bar
              p={p}
              run={i}
              place={place}
              marks={marks}
              path={marked ? segments.get(i) : undefined}
              on={marked && p.path.on.has(i)}
            />
            <span class="rs-cell num">{duration(f.runs[i]!.duration_ms ?? f.end[i]! - f.start[i]!)}</span>
          </>
        )}
      />
    </div>
  )
}

/** Wheel on the track: with ctrl or meta it zooms at the pointer, with shift or sideways it moves in time. */
function useWheel(
  scroller: { current: HTMLElement | null },
  track: { current: HTMLElement | null },
  range: Range,
  span: number,
  set: (r: Range) => void,
) {
  const now = useRef({ range, span, set })
  now.current = { range, span, set }
  useEffect(() => {
    const el = scroller.current
    if (!el) return
    const onWheel = (e: WheelEvent) => {
      const box = track.current?.getBoundingClientRect()
      if (!box || e.clientX < box.left) return
      const { range, span, set } = now.current
      const head = e.clientY < box.bottom
      const sideways = e.shiftKey ? e.deltaY || e.deltaX : e.deltaX
      if (e.ctrlKey || e.metaKey || (head && !sideways))
        set(zoom(range, Math.exp(e.deltaY * 0.003), (e.clientX - box.left) / box.width, span))
      else if (sideways) set(pan(range, sideways / box.width, span))
      else return
      e.preventDefault()
    }
    el.addEventListener('wheel', onWheel, { passive: false })
    return () => el.removeEventListener('wheel', onWheel)
  }, [])
}

interface RulerProps {
  marks: number[]
  place(ms: number): string
  range: Range
  set(r: Range): void
}

/** The ruler; a drag along it zooms to that stretch. */
function Ruler({ marks, place, range, set }: RulerProps): JSX.Element {
  const [drag, setDrag] = useState<{ a: number; b: number } | null>(null)
  const at = (e: PointerEvent) => {
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect()
    return range.from + Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * (range.to - range.from)
  }
  const onDown = (e: PointerEvent) => {
    ;(e.currentTarget as HTMLElement).setPointerCapture(e.pointerId)
    const a = at(e)
    setDrag({ a, b: a })
  }
  const onUp = () => {
    if (drag && Math.abs(drag.b - drag.a) > (range.to - range.from) / 100) {
      set({ from: Math.min(drag.a, drag.b), to: Math.max(drag.a, drag.b) })
    }
    setDrag(null)
  }
  return (
    <div
      class="rs-ruler"
      onPointerDown={onDown}
      onPointerMove={(e) => drag && setDrag({ ...drag, b: at(e) })}
      onPointerUp={onUp}
      onPointerCancel={() => setDrag(null)}
    >
      {marks.map((m) => (
        <span key={m} class="rs-tick" style={{ insetInlineStart: place(m) }}>
          {duration(m).replace('.00 ', ' ')}
        </span>
      ))}
      {drag && (
        <i
          class="rs-drag"
          style={{
            insetInlineStart: place(Math.min(drag.a, drag.b)),
            insetInlineEnd: `calc(100% - ${place(Math.max(drag.a, drag.b))})`,
          }}
        />
      )}
    </div>
  )
}

interface BarProps {
  p: RowsProps
  run: number
  place(ms: number): string
  marks: number[]
  path: { from: number; to: number }[] | undefined
  on: boolean
}

function Bar({ p, run: i, place, marks, path, on }: BarProps): JSX.Element {
  const f = p.forest
  const r = f.runs[i]!
  const between = (from: number, to: number) => ({ insetInlineStart: place(from), width: `calc(${place(to)} - ${place(from)})` })
  const self = p.path.self.get(i)
  const title = [
    label(r),
    `${duration(f.end[i]! - f.start[i]!)} from ${duration(f.start[i]!)}`,
    r.status,
    ...(self ? [`${duration(self)} of the critical path`] : []),
  ].join(' · ')
  return (
    <span class="rs-track" aria-hidden="true" title={title}>
      {marks.map((m) => (
        <i key={m} class="rs-gridline" style={{ insetInlineStart: place(m) }} />
      ))}
      {p.selected >= 0 && p.selected !== i && <i class="rs-band" style={between(f.start[p.selected]!, f.end[p.selected]!)} />}
      <i
        class="rs-bar"
        data-look={lookOf(r)}
        data-status={r.status}
        data-path={on}
        style={between(f.start[i]!, f.end[i]!)}
        data-last={f.start[i]! >= f.span}
      />
      {path?.map((s) => (
        <i key={s.from} class="rs-path" style={between(s.from, s.to)} />
      ))}
    </span>
  )
}
