// The critical path of a trace: the runs that made it last as long as it did.
//
// Seen backwards from the end of a run: what it waited for last is the child
// that ended last. From that child's start on back, it is the child that ended
// last before that start, and so on; between them the run itself was at work.
// The same holds within each of these children. Two children that overlap are
// never both on the path: the one that ended later cannot have waited for the
// other. So at every moment exactly one run is at work on the path: making it
// shorter makes the trace shorter; making any other run shorter does not, at
// first. Several roots are the turns of one session: each has its own path, and
// the time between them is nobody's.

import type { Forest } from './forest'

/** A stretch of time (ms since t0) in which a run itself was at work on the path. */
export interface Segment {
  run: number
  from: number
  to: number
}

/** The path: its stretches in order of time, and the runs it goes through, theirs and those above. */
export interface CriticalPath {
  segments: Segment[]
  on: Set<number>
  /** ms that each run on the path was itself at work on it. */
  self: Map<number, number>
}

interface Visit {
  run: number
  from: number
  to: number
}

/** Finds the path in O(n log n). Skipped runs are never on it. */
export function criticalPath(f: Forest): CriticalPath {
  const segments: Segment[] = []
  const on = new Set<number>()
  const stack = onPath(f, f.roots, -Infinity, Infinity).visits
  while (stack.length) {
    const v = stack.pop()!
    on.add(v.run)
    const { visits, gaps } = onPath(f, f.kids[v.run]!, v.from, v.to)
    for (const g of gaps) segments.push({ run: v.run, ...g })
    stack.push(...visits)
  }
  segments.sort((a, b) => a.from - b.from || a.to - b.to)
  const self = new Map<number, number>()
  for (const s of segments) self.set(s.run, (self.get(s.run) ?? 0) + s.to - s.from)
  return { segments, on, self }
}

/** The runs of a list that are on the path between two moments, and the time between them. */
function onPath(f: Forest, list: readonly number[], from: number, to: number) {
  const byEnd = list
    .filter((i) => f.runs[i]!.status !== 'skipped')
    .sort((a, b) => f.end[b]! - f.end[a]! || f.start[b]! - f.start[a]!)
  const visits: Visit[] = []
  const gaps: { from: number; to: number }[] = []
  let at = to
  for (const i of byEnd) {
    // What outlives its parent is cut at the parent's end, once.
    const end = visits.length === 0 ? Math.min(f.end[i]!, at) : f.end[i]!
    const start = Math.max(f.start[i]!, from)
    if (end > at || end <= start) continue
    if (end < at && Number.isFinite(at)) gaps.push({ from: end, to: at })
    visits.push({ run: i, from: start, to: end })
    at = start
  }
  if (at > from && Number.isFinite(at) && Number.isFinite(from)) gaps.push({ from, to: at })
  return { visits, gaps }
}
