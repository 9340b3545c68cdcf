// The boxes and edges of the graph.
import { memo } from './memo'
import { compact, duration, usd } from '../format'
import { label, type Forest } from './forest'
import { edgePath } from './graphnav'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import { lookOf, RunIcon } from './RunIcon'
import type { Placed, PlacedBox } from './layout'
import { Line } from './Text'

interface BoxesProps {
  forest: Forest
  placed: Placed
  selected: number
  /** The selected run stands inside the selected box, which is closed. */
  inside: boolean
  select(run: number): void
  toggle(run: number, open: boolean): void
}

/** All boxes, groups before what stands in them. */
export const GraphBoxes = memo(function GraphBoxes(p: BoxesProps) {
  return (
    <>
      {p.placed.boxes.map((b) => (
        <Box key={b.id} p={p} box={b} />
      ))}
    </>
  )
})

function Box({ p, box: b }: { p: BoxesProps; box: PlacedBox }) {
  const place = { left: `${b.x}px`, top: `${b.y}px`, width: `${b.width}px`, height: `${b.height}px` }
  if (b.id < 0) {
    return (
      <div class="rs-box rs-rest" style={place}>
        {b.more!.toLocaleString('en-US')} more runs: see the tree
      </div>
    )
  }
  const r = p.forest.runs[b.id]!
  const kids = p.forest.kids[b.id]!.length
  const below = p.forest.size[b.id]! - 1
  const selected = p.selected === b.id
  return (
    <div
      id={`rs-box-${b.id}`}
      class={`rs-box ${b.open ? 'rs-group' : ''}`}
      role="option"
      aria-selected={selected}
      data-run={r.id}
      data-look={lookOf(r)}
      data-status={r.status}
      data-inside={selected && p.inside}
      style={place}
      onClick={() => p.select(b.id)}
      onDblClick={() => kids && p.toggle(b.id, !b.open)}
    >
      <div class="rs-box-head">
        <RunIcon run={r} />
        <Line text={label(r)} />
        {r.status === 'succeeded' ? <span class="sr-only">succeeded</span> : <Status status={r.status} bare />}
        {b.open && <span class="rs-box-facts num">{duration(r.duration_ms)}</span>}
        {kids > 0 && (
          <span
            class="rs-box-toggle"
            title={b.open ? 'Close the group (Enter)' : `Open the group: ${below} runs (Enter)`}
            onClick={(e) => {
              e.stopPropagation()
              p.toggle(b.id, !b.open)
            }}
          >
            {!b.open && <span class="num">{compact(below)}</span>}
            <Icon name={b.open ? 'minus' : 'plus'} />
          </span>
        )}
      </div>
      {!b.open && <div class="rs-box-facts num">{facts(p.forest, b.id)}</div>}
    </div>
  )
}

function facts(f: Forest, i: number): string {
  const r = f.runs[i]!
  const cost = r.total_cost_usd ?? f.cost[i]!
  const tokens = r.total_tokens ?? f.tokens[i]!
  return [
    duration(r.duration_ms),
    ...(Number.isNaN(tokens) ? [] : [`${compact(tokens)} tok`]),
    ...(Number.isNaN(cost) ? [] : [usd(cost)]),
    ...((r.attempts ?? 0) > 1 ? [`${r.attempts} attempts`] : []),
  ].join(' · ')
}

/** All edges; those known by their times only are dashed. */
export const GraphEdges = memo(function GraphEdges({ placed }: { placed: Placed }) {
  return (
    <svg class="rs-edges" width={placed.width} height={placed.height} aria-hidden="true" focusable="false">
      <defs>
        <marker id="rs-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5L7.5 4L0 7.5z" />
        </marker>
      </defs>
      {placed.edges.map((e) => (
        <path key={`${e.from} ${e.to}`} d={edgePath(e.points)} data-kind={e.kind} marker-end="url(#rs-arrow)" />
      ))}
    </svg>
  )
})
