// The runs of a trace as a forest, in arrays by position: 50,000 runs are built
// in one pass over each list, without recursion (agents nest thousands deep).

import { parseTime } from './time'

/** A run without its payloads, as GET …/traces/{id}/tree gives it; what is unknown is left out. */
export interface Run {
  id: string
  parent_run_id?: string
  name?: string
  type: string
  group?: string
  status: string
  start_time: string
  end_time?: string
  duration_ms?: number
  model?: string
  node_id?: string
  prompt_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  total_cost_usd?: number
  cost_estimated?: boolean
  attempts?: number
  depends?: string[]
  run_depends?: string[]
  error?: string
}

/** Why a run stands at the top though it names a parent. */
export type Adrift = 'parent missing' | 'parents in a circle'

/** Runs by position in order of start. −1 is no run; times are ms since t0. */
export interface Forest {
  runs: Run[]
  byId: Map<string, number>
  parent: Int32Array
  kids: number[][]
  roots: number[]
  depth: Int32Array
  /** Positions, parents before their children. */
  order: Int32Array
  /** Runs in the subtree, the run itself included. */
  size: Int32Array
  adrift: Map<number, Adrift>
  t0: number
  /** The latest time of all, ms since t0. */
  span: number
  start: Float64Array
  end: Float64Array
  /** Sums over the subtree by the leaf rule (usage repeated upward counts once); NaN where nothing is known. */
  tokens: Float64Array
  cost: Float64Array
}

/**
 * Builds the forest. Of runs with one id the last counts. A run that is its own
 * parent, names none, or one that is not there, is a root; of parents in a
 * circle the earliest is. Open runs end at now (ms since the epoch), or, where
 * now is not given, at the latest time of the trace.
 */
export function buildForest(list: readonly Run[], now?: number): Forest {
  const runs = inOrder(list)
  const n = runs.length
  const byId = new Map<string, number>()
  for (let i = 0; i < n; i++) byId.set(runs[i]!.id, i)
  const adrift = new Map<number, Adrift>()
  const parent = parentsOf(runs, byId, adrift)
  const kids: number[][] = Array.from({ length: n }, () => [])
  const roots: number[] = []
  for (let i = 0; i < n; i++) (parent[i]! < 0 ? roots : kids[parent[i]!]!).push(i)
  const { order, depth } = preorder(roots, kids, n)
  const times = timesOf(runs, now)
  const size = new Int32Array(n).fill(1)
  for (let k = n - 1; k >= 0; k--) {
    const p = parent[order[k]!]!
    if (p >= 0) size[p]! += size[order[k]!]!
  }
  return {
    runs,
    byId,
    parent,
    kids,
    roots,
    depth,
    order,
    size,
    adrift,
    ...times,
    tokens: leafSums(runs, order, parent, (r) => r.total_tokens),
    cost: leafSums(runs, order, parent, (r) => r.total_cost_usd),
  }
}

/** The runs by start, each id once. The server gives them so. */
function inOrder(list: readonly Run[]): Run[] {
  const last = new Map<string, Run>()
  for (const r of list) last.set(r.id, r)
  const runs = last.size === list.length ? list.slice() : [...last.values()]
  const starts = Float64Array.from(runs, (r) => parseTime(r.start_time))
  if (starts.every((t, i) => i === 0 || t >= starts[i - 1]!)) return runs
  const places = runs.map((_, i) => i)
  return places.sort((a, b) => starts[a]! - starts[b]! || a - b).map((i) => runs[i]!)
}

function parentsOf(runs: Run[], byId: Map<string, number>, adrift: Map<number, Adrift>): Int32Array {
  const n = runs.length
  const parent = new Int32Array(n).fill(-1)
  for (let i = 0; i < n; i++) {
    const id = runs[i]!.parent_run_id
    if (!id || id === runs[i]!.id) continue
    const p = byId.get(id)
    if (p === undefined) adrift.set(i, 'parent missing')
    else parent[i] = p
  }
  // Each run is walked over once: 0 not seen, i+1 seen on the walk from i.
  const seen = new Int32Array(n)
  for (let i = 0; i < n; i++) {
    let at = i
    while (at >= 0 && !seen[at]) {
      seen[at] = i + 1
      at = parent[at]!
    }
    if (at < 0 || seen[at] !== i + 1) continue
    let earliest = at
    for (let k = parent[at]!; k !== at; k = parent[k]!) earliest = Math.min(earliest, k)
    parent[earliest] = -1
    adrift.set(earliest, 'parents in a circle')
  }
  return parent
}

function preorder(roots: number[], kids: number[][], n: number) {
  const order = new Int32Array(n)
  const depth = new Int32Array(n)
  const stack = roots.slice().reverse()
  for (let k = 0; stack.length; k++) {
    const i = stack.pop()!
    order[k] = i
    for (let c = kids[i]!.length - 1; c >= 0; c--) {
      const kid = kids[i]![c]!
      depth[kid] = depth[i]! + 1
      stack.push(kid)
    }
  }
  return { order, depth }
}

function timesOf(runs: Run[], now?: number) {
  const n = runs.length
  const start = new Float64Array(n)
  const end = new Float64Array(n)
  let t0 = Infinity
  let latest = -Infinity
  for (let i = 0; i < n; i++) {
    start[i] = parseTime(runs[i]!.start_time)
    end[i] = parseTime(runs[i]!.end_time)
    if (start[i]! < t0) t0 = start[i]!
    latest = Math.max(latest, start[i]!, end[i]! || 0)
  }
  if (n === 0) return { t0: 0, span: 0, start, end }
  const open = now === undefined ? latest : Math.max(now, latest)
  let span = 0
  for (let i = 0; i < n; i++) {
    const to = Number.isNaN(end[i]!) ? open : end[i]!
    start[i]! -= t0
    end[i] = Math.max(to - t0, start[i]!)
    span = Math.max(span, end[i]!)
  }
  return { t0, span, start, end }
}

/** Of each run the sum over its children where any of them knows one, else its own. */
function leafSums(runs: Run[], order: Int32Array, parent: Int32Array, own: (r: Run) => number | undefined): Float64Array {
  const sums = new Float64Array(runs.length).fill(NaN)
  for (let k = order.length - 1; k >= 0; k--) {
    const i = order[k]!
    if (Number.isNaN(sums[i]!)) sums[i] = own(runs[i]!) ?? NaN
    const p = parent[i]!
    if (p >= 0 && !Number.isNaN(sums[i]!)) sums[p] = (sums[p]! || 0) + sums[i]!
  }
  return sums
}

/** Whether the first is the second or above it. */
export function isAbove(f: Forest, above: number, i: number): boolean {
  for (; i >= 0; i = f.parent[i]!) if (i === above) return true
  return false
}

/** What to call a run: its name, else its model or what it is. */
export function label(r: Run): string {
  return r.name || r.model || r.group || r.type
}
