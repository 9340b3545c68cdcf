// The rows of the JSON viewer: what is open of a value, read from its text when
// it is opened. Containers of many children are shown in groups of GROUP.

import { children, decode, kind, rawLength, type Child, type Json, type Kind } from './json'

/** So many children stand in one group. */
export const GROUP = 100

/** One row of the viewer. */
export interface JsonRow {
  /** Where the row is, the same as long as the text is: its first character, and for a group its first child. */
  key: string
  depth: number
  name?: string
  /** The position in an array. */
  index?: number
  value: Json
  kind: Kind
  /** Children of a container; of a group the children in it. */
  size?: number
  /** The first child of a group. */
  group?: number
  open?: boolean
}

/** What the reader opened (true) or closed (false) by hand. */
export type Opened = ReadonlyMap<string, boolean>

/** Remembers the children of containers that were read. */
export class Reader {
  private readonly read = new Map<number, Child[]>()

  children(v: Json): Child[] {
    let found = this.read.get(v.start)
    if (!found) this.read.set(v.start, (found = children(v)))
    return found
  }
}

/** Containers nested no deeper, with no more children, are open at first, until so many rows are. */
const OPEN_DEPTH = 3
const OPEN_SIZE = 30
const OPEN_ROWS = 120

/** The rows of a value, the value itself first unless it is the only container. */
export function rowsOf(root: Json, reader: Reader, opened: Opened): JsonRow[] {
  const rows: JsonRow[] = []
  const stack: JsonRow[] = [{ key: String(root.start), depth: 0, value: root, kind: kind(root) }]
  while (stack.length) {
    const row = stack.pop()!
    rows.push(row)
    if (row.kind !== 'object' && row.kind !== 'array') continue
    const kids = reader.children(row.value)
    row.size ??= kids.length
    const small =
      row.group === undefined && row.depth < OPEN_DEPTH && (row.depth === 0 || row.size <= OPEN_SIZE) && rows.length < OPEN_ROWS
    row.open = row.size > 0 && (opened.get(row.key) ?? small)
    if (!row.open) continue
    const inside = below(row, kids)
    for (let k = inside.length - 1; k >= 0; k--) stack.push(inside[k]!)
  }
  return rows
}

function below(row: JsonRow, kids: Child[]): JsonRow[] {
  const depth = row.depth + 1
  if (row.group === undefined && kids.length > GROUP) {
    const groups: JsonRow[] = []
    for (let from = 0; from < kids.length; from += GROUP) {
      const size = Math.min(GROUP, kids.length - from)
      groups.push({ key: `${row.value.start}:${from}`, depth, value: row.value, kind: row.kind, group: from, size })
    }
    return groups
  }
  const from = row.group ?? 0
  return kids.slice(from, from + GROUP).map((c, i) => ({
    key: String(c.value.start),
    depth,
    value: c.value,
    kind: kind(c.value),
    ...(c.name ? { name: decode(c.name) } : { index: from + i }),
  }))
}

/** What stands behind the name of a closed container, or of a group. */
export function summary(row: JsonRow): string {
  if (row.group !== undefined) return `${row.group} … ${row.group + row.size! - 1}`
  const n = row.size ?? 0
  const cut = row.value.cut ? '+' : ''
  return row.kind === 'array' ? `[ ${n}${cut} ]` : `{ ${n}${cut} }`
}

/** How many characters of a string are shown at first, and after each wish for more. */
export const TEXT_STEPS = [1500, 20_000, 200_000] as const

/** How much of a string is shown at a step, and whether there is more of it in the text. */
export function shownText(v: Json, step: number): { text: string; more: boolean; length: number } {
  const max = TEXT_STEPS[Math.min(step, TEXT_STEPS.length - 1)]!
  const length = rawLength(v)
  return { text: decode(v, max), more: length > max, length }
}
