// The executed graph: boxes nested as the runs were, joined as they followed
// each other; drag to move, wheel to zoom, arrow keys from box to box.
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { plural } from '../format'
import { GraphBoxes, GraphEdges } from './GraphBoxes'
import { centre, fit, inView, neighbour, start, zoomAt, type Camera } from './graphnav'
import { Icon } from '../ui/icons'
import { LIMIT, planGraph } from './plan'
import { takeFocus } from './Sheet'
import { useLayout } from './uselayout'
import type { ViewProps } from './view'
import { useSize } from './virtual'

/** The graph view. */
export default function GraphView({ forest: f, selected, select }: ViewProps): JSX.Element {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map())
  const plan = useMemo(() => planGraph(f, byPosition(f.byId, toggled)), [f, toggled])
  const { placed, busy, error } = useLayout(plan)
  const box = useRef<HTMLDivElement>(null)
  const { width, height } = useSize(box)
  const [camera, setCamera] = useState<Camera | null>(null)
  useEffect(() => takeFocus(box.current), [])
  const at = useMemo(() => new Map(placed?.boxes.map((b) => [b.id, b])), [placed])
  // A selected run inside a closed group is shown by the group.
  let shown = selected
  while (shown >= 0 && !at.has(shown)) shown = f.parent[shown]!
  useLayoutEffect(() => {
    if (placed && width && !camera) setCamera(start(placed, width, height, at.get(shown)))
  }, [placed, width, height])
  useLayoutEffect(() => {
    const b = at.get(shown)
    if (b && camera && width && !inView(b, camera, width, height))
      setCamera(centre(b, width, height, Math.max(camera.scale, 0.5)))
  }, [shown])
  const toggle = (run: number, open: boolean) => setToggled((t) => new Map(t).set(f.runs[run]!.id, open))
  const onKeyDown = (e: KeyboardEvent) => {
    if (!placed || e.ctrlKey || e.metaKey || e.altKey) return
    const from = at.get(shown)
    const next = from
      ? neighbour(
          placed.boxes.filter((b) => b.id >= 0),
          from,
          e.key,
        )
      : undefined
    if (next) select(next.id)
    else if (!from && e.key.startsWith('Arrow')) select(placed.boxes.find((b) => b.id >= 0)?.id ?? -1)
    else if ((e.key === 'Enter' || e.key === ' ') && from && f.kids[from.id]!.length) toggle(from.id, !from.open)
    else if (e.key === '+' || e.key === '=') setCamera((c) => c && zoomAt(c, 1.25, width / 2, height / 2))
    else if (e.key === '-') setCamera((c) => c && zoomAt(c, 0.8, width / 2, height / 2))
    else if (e.key === '0') setCamera(fit(placed, width, height))
    else if (!e.key.startsWith('Arrow')) return
    e.preventDefault()
  }
  const drag = useDragAndWheel(box, setCamera)
  const timed = placed?.edges.some((e) => e.kind === 'time')
  const zoomBy = (factor: number) => setCamera((c) => c && zoomAt(c, factor, width / 2, height / 2))
  return (
    <div class="rs-graph">
      <div class="rs-bar-tools" role="toolbar" aria-label="Zoom of the graph">
        <span class="rs-hint" role="status">
          {busy
            ? 'Laying out…'
            : plan.hidden > 0
              ? `${plural(plan.shown, 'run')} of ${(plan.shown + plan.hidden).toLocaleString('en-US')}; open groups to see more (at most ${LIMIT.toLocaleString('en-US')} at once)`
              : plural(plan.shown, 'run')}
          {!busy && timed && ' · dashed: order known by time only'}
        </span>
        <button type="button" class="rs-tool" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoomBy(1.25)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="rs-tool" aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoomBy(0.8)}>
          <Icon name="minus" />
        </button>
        <button
          type="button"
          class="rs-tool"
          aria-label="Fit"
          title="Fit (0)"
          onClick={() => placed && setCamera(fit(placed, width, height))}
        >
          <Icon name="fit" />
        </button>
      </div>
      {error && (
        <p class="notice bad" role="alert">
          The graph could not be laid out ({error}). The tree shows the same runs.
        </p>
      )}
      <div
        class="rs-canvas"
        ref={box}
        role="listbox"
        aria-label="Graph"
        tabIndex={0}
        aria-activedescendant={at.has(shown) ? `rs-box-${shown}` : undefined}
        onKeyDown={onKeyDown}
        {...drag}
      >
        {placed && camera && (
          <div
            class="rs-world"
            data-far={camera.scale < 0.35}
            style={{ transform: `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})` }}
          >
            <GraphEdges placed={placed} />
            <GraphBoxes forest={f} placed={placed} selected={shown} inside={shown !== selected} select={select} toggle={toggle} />
          </div>
        )}
      </div>
    </div>
  )
}

/** What was opened by hand is kept by run, as positions change when a trace grows. */
function byPosition(byId: ReadonlyMap<string, number>, toggled: ReadonlyMap<string, boolean>): Map<number, boolean> {
  const out = new Map<number, boolean>()
  for (const [id, open] of toggled) {
    const i = byId.get(id)
    if (i !== undefined) out.set(i, open)
  }
  return out
}

/** Moves the camera by drag and zooms it by wheel. */
function useDragAndWheel(box: { current: HTMLElement | null }, setCamera: (fn: (c: Camera | null) => Camera | null) => void) {
  const grip = useRef<{ x: number; y: number } | null>(null)
  useEffect(() => {
    const el = box.current
    if (!el) return
    const onWheel = (e: WheelEvent) => {
      e.preventDefault()
      const r = el.getBoundingClientRect()
      if (e.shiftKey) setCamera((c) => c && { ...c, x: c.x - (e.deltaX || e.deltaY) })
      else
        setCamera((c) => c && zoomAt(c, Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0015)), e.clientX - r.left, e.clientY - r.top))
    }
    el.addEventListener('wheel', onWheel, { passive: false })
    return () => el.removeEventListener('wheel', onWheel)
  }, [])
  const end = (e: PointerEvent) => {
    grip.current = null
    ;(e.currentTarget as HTMLElement).removeAttribute('data-drag')
  }
  return {
    onPointerDown: (e: PointerEvent) => {
      if (e.button === 0) grip.current = { x: e.clientX, y: e.clientY }
    },
    onPointerMove: (e: PointerEvent) => {
      const g = grip.current
      if (!g) return
      const el = e.currentTarget as HTMLElement
      const dx = e.clientX - g.x
      const dy = e.clientY - g.y
      // A click that trembles is still a click on a box.
      if (!el.hasAttribute('data-drag') && Math.abs(dx) + Math.abs(dy) < 4) return
      if (!el.hasAttribute('data-drag')) el.setPointerCapture(e.pointerId)
      el.setAttribute('data-drag', '')
      grip.current = { x: e.clientX, y: e.clientY }
      setCamera((c) => c && { ...c, x: c.x + dx, y: c.y + dy })
    },
    onPointerUp: end,
    onPointerCancel: end,
  }
}
