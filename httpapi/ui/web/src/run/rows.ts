// Which rows the tree and the timeline show: what is collapsed is left out, and
// a search leaves what matches and what stands above it.

import type { Forest, Run } from './forest'

/** The rows in order, and what the search found. */
export interface Rows {
  /** Positions of runs, parents before their children. */
  list: number[]
  /** Where a run stands in the list. */
  at: Map<number, number>
  /** The runs that match; undefined without a search. */
  matches?: Set<number>
}

/** The texts of a run in which a search looks. */
function haystack(r: Run): string {
  return `${r.name ?? ''}\n${r.model ?? ''}\n${r.group ?? ''}\n${r.type}\n${r.status}\n${r.id}\n${r.error ?? ''}`.toLowerCase()
}

/** The runs in whose texts every word of the query stands; undefined for an empty query. */
export function search(f: Forest, query: string): Set<number> | undefined {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return undefined
  const found = new Set<number>()
  f.runs.forEach((r, i) => {
    const text = haystack(r)
    if (words.every((w) => text.includes(w))) found.add(i)
  })
  return found
}

/** The rows that are shown. A search opens what is collapsed above a match. */
export function visibleRows(f: Forest, collapsed: ReadonlySet<number>, matches?: Set<number>): Rows {
  const list: number[] = []
  const at = new Map<number, number>()
  let keep: Uint8Array | undefined
  if (matches) {
    keep = new Uint8Array(f.runs.length)
    for (const m of matches) for (let i = m; i >= 0 && !keep[i]; i = f.parent[i]!) keep[i] = 1
  }
  for (let k = 0; k < f.order.length; k++) {
    const i = f.order[k]!
    if (keep && !keep[i]) continue
    at.set(i, list.length)
    list.push(i)
    // The subtree of a run is the stretch of the order that begins with it.
    if (!matches && collapsed.has(i)) k += f.size[i]! - 1
  }
  return matches ? { list, at, matches } : { list, at }
}

/** What to collapse so that only the first levels are open. */
export function collapsedBelow(f: Forest, depth: number): Set<number> {
  const out = new Set<number>()
  f.kids.forEach((kids, i) => {
    if (kids.length && f.depth[i]! >= depth) out.add(i)
  })
  return out
}
