// The keys of a tree, as the ARIA pattern has them, with j and k beside the arrows.

import type { Forest } from './forest'
import type { Rows } from './rows'

/** What a key asks for: another run, or one to open or close. */
export type Move = { go: number } | { toggle: number; open: boolean } | null

/** The move of a key at a run; page is how many rows are in view. */
export function moveOf(key: string, f: Forest, rows: Rows, at: number, collapsed: ReadonlySet<number>, page: number): Move {
  const { list } = rows
  const here = rows.at.get(at)
  const to = (k: number): Move => (list.length ? { go: list[Math.max(0, Math.min(list.length - 1, k))]! } : null)
  if (here === undefined) {
    if (key === 'End') return to(list.length - 1)
    return ['ArrowDown', 'ArrowUp', 'j', 'k', 'Home', 'ArrowRight'].includes(key) ? to(0) : null
  }
  const kids = f.kids[at]!
  const open = kids.length > 0 && (rows.matches !== undefined || !collapsed.has(at))
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return to(here + 1)
    case 'ArrowUp':
    case 'k':
      return to(here - 1)
    case 'Home':
      return to(0)
    case 'End':
      return to(list.length - 1)
    case 'PageDown':
      return to(here + page)
    case 'PageUp':
      return to(here - page)
    case 'ArrowRight':
      if (!kids.length) return null
      return open ? to(here + 1) : { toggle: at, open: true }
    case 'ArrowLeft':
      if (open && rows.matches === undefined) return { toggle: at, open: false }
      return f.parent[at]! >= 0 ? { go: f.parent[at]! } : null
  }
  return null
}

/** The next match after a run, or the one before it, around the ends. */
export function nextMatch(rows: Rows, at: number, back: boolean): number | undefined {
  const found = rows.list.filter((i) => rows.matches?.has(i))
  if (!found.length) return undefined
  const here = rows.at.get(at) ?? (back ? Infinity : -1)
  const place = (i: number) => rows.at.get(i)!
  return back ? (found.findLast((i) => place(i) < here) ?? found.at(-1)) : (found.find((i) => place(i) > here) ?? found[0])
}
