// Which run came after which: the edges of the executed graph.

import type { Forest } from './forest'

/** How an edge is known: from what the run was executed after, from the flow's definition, or only from the times. */
export type EdgeKind = 'run' | 'depends' | 'time'

/** From a run to one that came after it, by position. */
export interface Edge {
  from: number
  to: number
  kind: EdgeKind
}

/** More runs than this that all ended before the next began are drawn as one edge, from the last. */
const MAX_BY_TIME = 12

/**
 * The edges between the children of one run (or between roots), and into them
 * from elsewhere. A dependency names a node, and a node may have several runs
 * (loops): it means the latest of them that started before, among the siblings
 * if there is one. A run that depends on what cannot be found (agents clone
 * their tools under new ids), and all runs of a group in which nothing depends
 * on anything (OTLP knows nesting only), follow the siblings that ended last
 * before they began.
 */
export function edgesAmong(f: Forest, group: readonly number[], nodes: ReadonlyMap<string, readonly number[]>): Edge[] {
  const edges: Edge[] = []
  const byTime: number[] = []
  let explicit = false
  for (const to of group) {
    const r = f.runs[to]!
    const known = new Map<number, EdgeKind>()
    for (const id of r.depends ?? []) addLatest(f, known, to, nodes.get(id), 'depends')
    for (const id of r.run_depends ?? []) addLatest(f, known, to, nodes.get(id), 'run')
    for (const [from, kind] of known) edges.push({ from, to, kind })
    const named = (r.depends?.length ?? 0) + (r.run_depends?.length ?? 0) > 0
    explicit ||= named
    if (named && known.size === 0) byTime.push(to)
  }
  addByTime(f, group, explicit ? byTime : group, edges)
  return edges
}

/** The runs of each node id, in order of start. */
export function runsOfNodes(f: Forest): Map<string, number[]> {
  const nodes = new Map<string, number[]>()
  f.runs.forEach((r, i) => {
    if (!r.node_id) return
    const list = nodes.get(r.node_id)
    if (list) list.push(i)
    else nodes.set(r.node_id, [i])
  })
  return nodes
}

function addLatest(f: Forest, known: Map<number, EdgeKind>, to: number, runs: readonly number[] | undefined, kind: EdgeKind) {
  if (!runs) return
  // Positions are in order of start: the runs before this one are a prefix.
  let lo = 0
  let hi = runs.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (runs[mid]! < to) lo = mid + 1
    else hi = mid
  }
  const sibling = (i: number) => f.parent[i] === f.parent[to]
  let found = -1
  for (let k = lo - 1; k >= 0 && k >= lo - 64; k--) {
    if (sibling(runs[k]!)) {
      found = runs[k]!
      break
    }
    // What stands above a run is its group, not what it came after.
    if (found < 0 && !above(f, runs[k]!, to)) found = runs[k]!
  }
  if (found >= 0) known.set(found, kind)
}

function above(f: Forest, i: number, of: number): boolean {
  for (let p = f.parent[of]!; p >= 0; p = f.parent[p]!) if (p === i) return true
  return false
}

/** Joins each run of a list to the siblings that ended before it, but for those with another between. */
function addByTime(f: Forest, group: readonly number[], list: readonly number[], edges: Edge[]) {
  if (!list.length) return
  const byEnd = [...group].sort((a, b) => f.end[a]! - f.end[b]! || f.start[a]! - f.start[b]!)
  // latestStart[k]: the latest start of the first k+1 to end.
  const latestStart: number[] = []
  byEnd.forEach((i, k) => latestStart.push(Math.max(k ? latestStart[k - 1]! : -Infinity, f.start[i]!)))
  for (const to of list) {
    let hi = byEnd.length
    let lo = 0
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if (f.end[byEnd[mid]!]! <= f.start[to]!) lo = mid + 1
      else hi = mid
    }
    // What had no length at the moment this one began has no order to it.
    while (lo > 0 && f.start[byEnd[lo - 1]!] === f.start[to]) lo--
    if (!lo) continue
    const since = latestStart[lo - 1]!
    const from: number[] = []
    for (let k = lo - 1; k >= 0 && from.length <= MAX_BY_TIME; k--) {
      const i = byEnd[k]!
      if (f.end[i]! <= since && from.length) break
      from.push(i)
    }
    for (const i of from.length > MAX_BY_TIME ? from.slice(0, 1) : from) {
      edges.push({ from: i, to, kind: 'time' })
    }
  }
}
