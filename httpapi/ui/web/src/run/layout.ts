// Places the boxes of a plan. Each group is laid out by dagre, inner groups
// first, and stands in the next one as one box of its size: so a graph of 1,000
// boxes is many small problems instead of one big one. It runs in a worker.

import { Graph, layout } from '@dagrejs/dagre'
import { BOX, type Box, type Plan, type PlanEdge } from './plan'
import type { EdgeKind } from './edges'

/** A box with its place, px from the top left of the graph. */
export interface PlacedBox {
  id: number
  x: number
  y: number
  width: number
  height: number
  open: boolean
  /** How many groups it stands in. */
  level: number
  more?: number
}

/** An edge as the points it goes through. */
export interface PlacedEdge {
  from: number
  to: number
  kind: EdgeKind
  points: { x: number; y: number }[]
}

/** A graph ready to be drawn: groups before what stands in them. */
export interface Placed {
  width: number
  height: number
  boxes: PlacedBox[]
  edges: PlacedEdge[]
}

/** Room around the boxes of a group, and for its title. */
const PAD = 16
const TITLE = 34
const GAP = 28

interface Part {
  width: number
  height: number
  place: (x: number, y: number, level: number, out: Placed) => void
}

/** Places a plan. */
export function layoutPlan(plan: Plan): Placed {
  const out: Placed = { width: 0, height: 0, boxes: [], edges: [] }
  const inner = inside(plan.top)
  inner.place(0, 0, 0, out)
  return { ...out, width: inner.width, height: inner.height }
}

/** A box with what stands in it. */
function boxPart(b: Box): Part {
  const more = b.more === undefined ? {} : { more: b.more }
  if (!b.boxes) {
    return {
      ...BOX,
      place: (x, y, level, out) => out.boxes.push({ id: b.id, x, y, ...BOX, open: false, level, ...more }),
    }
  }
  const inner = inside(b)
  const width = Math.max(BOX.width, inner.width + 2 * PAD)
  const height = inner.height + TITLE + PAD
  return {
    width,
    height,
    place: (x, y, level, out) => {
      out.boxes.push({ id: b.id, x, y, width, height, open: true, level })
      inner.place(x + (width - inner.width) / 2, y + TITLE, level + 1, out)
    },
  }
}

/** What stands in a group: its connected parts, each laid out alone, side by side. */
function inside(group: Box): Part {
  const parts = new Map(group.boxes!.map((b) => [b.id, boxPart(b)]))
  const pieces = connected(group.boxes!, group.edges ?? []).map((piece) =>
    piece.ids.length === 1 ? parts.get(piece.ids[0]!)! : dagrePart(piece.ids, piece.edges, parts),
  )
  return packed(pieces)
}

function connected(boxes: Box[], edges: PlanEdge[]): { ids: number[]; edges: PlanEdge[] }[] {
  const head = new Map(boxes.map((b) => [b.id, b.id]))
  const find = (i: number): number => {
    while (head.get(i) !== i) {
      head.set(i, head.get(head.get(i)!)!)
      i = head.get(i)!
    }
    return i
  }
  for (const e of edges) head.set(find(e.to), find(e.from))
  const pieces = new Map<number, { ids: number[]; edges: PlanEdge[] }>()
  for (const b of boxes) {
    const h = find(b.id)
    if (!pieces.has(h)) pieces.set(h, { ids: [], edges: [] })
    pieces.get(h)!.ids.push(b.id)
  }
  for (const e of edges) pieces.get(find(e.from))!.edges.push(e)
  return [...pieces.values()]
}

/** From so many boxes on, dagre's best takes seconds; here the longest path and a plainer order are drawn as well. */
const MANY = 200

function dagrePart(ids: number[], edges: PlanEdge[], parts: Map<number, Part>): Part {
  const g = new Graph()
  g.setGraph({ rankdir: 'TB', nodesep: GAP, ranksep: GAP + 12, ranker: ids.length > MANY ? 'longest-path' : 'network-simplex' })
  g.setDefaultEdgeLabel(() => ({}))
  for (const id of ids) g.setNode(String(id), { width: parts.get(id)!.width, height: parts.get(id)!.height })
  for (const e of edges) g.setEdge(String(e.from), String(e.to), {})
  layout(g, { disableOptimalOrderHeuristic: ids.length > MANY })
  const at = new Map(ids.map((id) => [id, g.node(String(id)) as { x: number; y: number }]))
  const { width = 0, height = 0 } = g.graph() as { width?: number; height?: number }
  const bands = fold(ids, at, parts, width, height)
  const routes = edges.map((e) => {
    const { points = [] } = g.edge(String(e.from), String(e.to)) as { points?: { x: number; y: number }[] }
    return { ...e, points: bands.route(e, points) }
  })
  return {
    width: bands.width,
    height: bands.height,
    place: (x, y, level, out) => {
      for (const id of ids) {
        const p = parts.get(id)!
        const c = bands.centre(id)
        p.place(x + c.x - p.width / 2, y + c.y - p.height / 2, level, out)
      }
      for (const r of routes) out.edges.push({ ...r, points: r.points.map((p) => ({ x: x + p.x, y: y + p.y })) })
    },
  }
}

/** A graph that is more than so many times as high as wide is folded. */
const TOO_HIGH = 4

/**
 * Cuts a very high graph, such as a loop of hundreds of steps, between its ranks
 * into bands of one height that stand side by side, read like columns of text.
 */
function fold(ids: number[], at: Map<number, { x: number; y: number }>, parts: Map<number, Part>, width: number, height: number) {
  const column = width + 3 * GAP
  const limit = height > TOO_HIGH * column ? Math.sqrt(height * column) : Infinity
  const top = (id: number) => at.get(id)!.y - parts.get(id)!.height / 2
  const bottom = (id: number) => at.get(id)!.y + parts.get(id)!.height / 2
  // Boxes of one rank have one middle: a rank is never cut.
  const ranks = new Map<number, { top: number; bottom: number }>()
  for (const id of ids) {
    const r = ranks.get(at.get(id)!.y)
    ranks.set(at.get(id)!.y, { top: Math.min(top(id), r?.top ?? Infinity), bottom: Math.max(bottom(id), r?.bottom ?? 0) })
  }
  const bandOf = new Map<number, number>()
  const begins = [0]
  let highest = 0
  for (const [y, r] of [...ranks].sort((a, b) => a[0] - b[0])) {
    if (r.bottom - begins.at(-1)! > limit && r.top > begins.at(-1)!) begins.push(r.top)
    bandOf.set(y, begins.length - 1)
    highest = Math.max(highest, r.bottom - begins.at(-1)!)
  }
  const band = (id: number) => bandOf.get(at.get(id)!.y)!
  const move = (p: { x: number; y: number }, b: number) => ({ x: p.x + b * column, y: p.y - begins[b]! })
  return {
    width: width + (begins.length - 1) * column,
    height: begins.length === 1 ? height : highest,
    centre: (id: number) => move(at.get(id)!, band(id)),
    route: (e: PlanEdge, points: { x: number; y: number }[]) => {
      const a = band(e.from)
      const b = band(e.to)
      if (a === b) return points.map((p) => move(p, a))
      // From below the one to above the other, between the bands.
      const from = move({ x: at.get(e.from)!.x, y: bottom(e.from) }, a)
      const to = move({ x: at.get(e.to)!.x, y: top(e.to) }, b)
      const between = b * column - 1.5 * GAP
      return [
        from,
        { x: from.x, y: from.y + 10 },
        { x: between, y: from.y + 10 },
        { x: between, y: to.y - 10 },
        { x: to.x, y: to.y - 10 },
        to,
      ]
    },
  }
}

/** Parts in rows, about as wide as high together, in their order. */
function packed(pieces: Part[]): Part {
  if (pieces.length === 1) return pieces[0]!
  const area = pieces.reduce((sum, p) => sum + (p.width + GAP) * (p.height + GAP), 0)
  const limit = Math.max(Math.sqrt(area) * 1.2, ...pieces.map((p) => p.width))
  const at: { x: number; y: number }[] = []
  let x = 0
  let y = 0
  let row = 0
  let width = 0
  for (const p of pieces) {
    if (x > 0 && x + p.width > limit) {
      x = 0
      y += row + GAP
      row = 0
    }
    at.push({ x, y })
    x += p.width + GAP
    row = Math.max(row, p.height)
    width = Math.max(width, x - GAP)
  }
  return {
    width,
    height: y + row,
    place: (px, py, level, out) => pieces.forEach((p, i) => p.place(px + at[i]!.x, py + at[i]!.y, level, out)),
  }
}
