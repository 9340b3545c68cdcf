// What the graph shows: which runs, nested in which, joined by which edges.
// At most LIMIT boxes: what would be more stays closed in its group.

import { edgesAmong, runsOfNodes, type EdgeKind } from './edges'
import type { Forest } from './forest'

/** So many boxes a graph can have and still be read and panned. */
export const LIMIT = 1500

/** The size of a box without an open group in it, px. */
export const BOX = { width: 208, height: 52 }

/** A box: a run, or what a group has beyond those that are shown. */
export interface Box {
  /** The position of the run; of a rest −1 − that of its group. */
  id: number
  /** An open group's boxes; undefined for a single box. */
  boxes?: Box[]
  edges?: PlanEdge[]
  /** Runs that a rest stands for. */
  more?: number
}

/** An edge between two boxes of one group. */
export interface PlanEdge {
  from: number
  to: number
  kind: EdgeKind
}

/** The boxes of the top, and how much of the trace they show. */
export interface Plan {
  top: Box
  shown: number
  hidden: number
}

/** What the reader opened or closed by hand; the rest is as the limit allows. */
export type Toggled = ReadonlyMap<number, boolean>

/**
 * Plans the graph: groups are opened from the top down, level by level, while
 * there is room. A group with more children than there is room for stays closed;
 * opened by hand, or alone on its level, it shows the first of them.
 */
export function planGraph(f: Forest, toggled: Toggled, limit = LIMIT): Plan {
  const room = { left: limit }
  const nodes = runsOfNodes(f)
  const top: Box = { id: -1 }
  let level: { box: Box; kids: readonly number[]; hand?: boolean }[] = [{ box: top, kids: f.roots, hand: true }]
  let shown = 0
  while (level.length) {
    const next: typeof level = []
    // The only group of its level is opened as far as there is room: a trace is never one closed box.
    if (level.length === 1 && toggled.get(level[0]!.box.id) !== false) level[0]!.hand = true
    for (const { box, kids, hand } of level) {
      if (!kids.length || (!hand && kids.length > room.left)) continue
      const first = kids.slice(0, Math.max(room.left, hand ? 20 : 0))
      room.left -= first.length
      shown += first.length
      box.boxes = first.map((id) => ({ id }))
      if (first.length < kids.length) box.boxes.push({ id: -1 - Math.max(0, box.id) - 1, more: kids.length - first.length })
      for (const kid of box.boxes) {
        if (kid.id < 0 || toggled.get(kid.id) === false) continue
        const open = toggled.get(kid.id) === true
        next.push(open ? { box: kid, kids: f.kids[kid.id]!, hand: true } : { box: kid, kids: f.kids[kid.id]! })
      }
    }
    level = next
  }
  addEdges(f, top, nodes)
  return { top, shown, hidden: f.runs.length - shown }
}

/** Sets the edges of each open group; one into another group joins the boxes that stand side by side. */
function addEdges(f: Forest, top: Box, nodes: ReadonlyMap<string, readonly number[]>) {
  const within = new Map<number, Box>() // the group that a shown run stands in
  const groups: Box[] = []
  const stack = [top]
  while (stack.length) {
    const group = stack.pop()!
    if (!group.boxes) continue
    group.edges = []
    groups.push(group)
    for (const b of group.boxes) {
      if (b.id >= 0) within.set(b.id, group)
      stack.push(b)
    }
  }
  const seen = new Set<string>()
  for (const group of groups) {
    const kids = group.boxes!.filter((b) => b.id >= 0).map((b) => b.id)
    for (const e of edgesAmong(f, kids, nodes)) {
      const [from, to] = sideBySide(f, e.from, e.to)
      const home = from >= 0 && to >= 0 ? within.get(from) : undefined
      const key = `${from} ${to}`
      if (!home || home !== within.get(to) || seen.has(key)) continue
      seen.add(key)
      home.edges!.push({ from, to, kind: e.kind })
    }
  }
}

/** The two runs, or those above them, that have one parent; −1 where one is above the other. */
function sideBySide(f: Forest, a: number, b: number): [number, number] {
  while (a >= 0 && b >= 0 && f.parent[a] !== f.parent[b]) {
    if (f.depth[a]! >= f.depth[b]!) a = f.parent[a]!
    else b = f.parent[b]!
  }
  return a === b ? [-1, -1] : [a, b]
}
