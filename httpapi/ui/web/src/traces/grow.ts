// Long lists are drawn in steps: what the window shows in the first frame, the
// rest in the frames after it.
import { useEffect, useState } from 'preact/hooks'

/** The height of a row in px, as traces.css has it. */
const rowHeight = 44

/** useGrow is how many of `total` rows to draw now. It begins anew with another `of`, and waits while `paused`. */
export function useGrow(total: number, of: string, paused: boolean): number {
  const first = Math.ceil(innerHeight / rowHeight)
  const [grown, setGrown] = useState({ of, rows: first })
  const rows = grown.of === of ? grown.rows : first
  // An effect runs behind the paint. Threefold, since each step lays out the whole table.
  useEffect(() => {
    if (!paused && rows < total) setGrown({ of, rows: rows * 3 })
  }, [rows, total, of, paused])
  return Math.min(rows, total)
}
