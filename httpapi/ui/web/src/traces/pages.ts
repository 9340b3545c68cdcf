// Which page numbers a pager offers, and how many rows a page has.

export const sizes = [20, 50, 100, 200, 500] as const
export const defaultSize = 50

/** pagesAround are the numbers to offer: first, last, and those around the current one; 0 stands for a gap. */
export function pagesAround(page: number, last: number, around = 2): number[] {
  const keep = new Set([1, last])
  for (let p = page - around; p <= page + around; p++) if (p >= 1 && p <= last) keep.add(p)
  const out: number[] = []
  for (const p of [...keep].sort((a, b) => a - b)) {
    const before = out.at(-1)
    if (before !== undefined && p - before === 2) out.push(p - 1)
    else if (before !== undefined && p - before > 2) out.push(0)
    out.push(p)
  }
  return out
}
