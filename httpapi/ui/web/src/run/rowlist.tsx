// The frame of the tree and the timeline: a virtual list of runs that is one
// stop of the tab key, with the keys of a tree.
import type { ComponentChildren, JSX, RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { label, type Forest } from './forest'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import { RunIcon } from './RunIcon'
import { moveOf } from './rowsnav'
import { Line } from './Text'
import { takeFocus } from './Sheet'
import type { RowsProps } from './view'
import { useVirtual } from './virtual'

/** The height of a row, px; the same in run.css. */
export const ROW = 30

interface RowListProps extends RowsProps {
  name: string
  scroller: RefObject<HTMLDivElement>
  head?: ComponentChildren
  above?: number
  cells(run: number): ComponentChildren
}

/** A list of runs as an ARIA tree. */
export function RowList(p: RowListProps): JSX.Element {
  const { forest: f, rows, selected, scroller } = p
  const above = p.above ?? 0
  const v = useVirtual({ count: rows.list.length, scroller, height: ROW, above })
  const chosenByKey = useRef(false)
  useEffect(() => takeFocus(scroller.current), [])
  useLayoutEffect(() => {
    const at = rows.at.get(selected)
    const el = scroller.current
    if (at === undefined || !el) return
    const top = at * ROW
    if (top < el.scrollTop) el.scrollTop = top
    else if (top + ROW > el.scrollTop + el.clientHeight - above) {
      // A run from elsewhere is shown with what is around it.
      el.scrollTop = chosenByKey.current ? top + ROW - el.clientHeight + above : top - (el.clientHeight - above) / 2
    }
    chosenByKey.current = false
  }, [selected, rows])
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return
    if (e.key === 'Enter' && selected >= 0) {
      e.preventDefault()
      document.getElementById('rs-details-panel')?.focus()
      return
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 2)
    const move = moveOf(e.key, f, rows, selected, p.collapsed, page)
    if (!move) return
    e.preventDefault()
    if ('toggle' in move) return p.setOpen(move.toggle, move.open)
    chosenByKey.current = true
    p.select(move.go)
  }
  return (
    <div
      class="rs-rows"
      ref={scroller}
      role="tree"
      aria-label={p.name}
      tabIndex={0}
      aria-activedescendant={rows.at.has(selected) ? rowId(p.name, selected) : undefined}
      onKeyDown={onKeyDown}
    >
      {p.head}
      <div role="none" style={{ height: `${rows.list.length * ROW}px`, position: 'relative' }}>
        {v.getVirtualItems().map((item) => {
          const i = rows.list[item.index]
          return i === undefined ? null : <Row key={f.runs[i]!.id} p={p} run={i} top={item.index * ROW} />
        })}
      </div>
    </div>
  )
}

function rowId(list: string, run: number): string {
  return `rs-${list.toLowerCase()}-${run}`
}

function Row({ p, run: i, top }: { p: RowListProps; run: number; top: number }): JSX.Element {
  const { forest: f } = p
  const r = f.runs[i]!
  const siblings = f.parent[i]! < 0 ? f.roots : f.kids[f.parent[i]!]!
  const kids = f.kids[i]!.length
  const open = kids > 0 && (p.rows.matches !== undefined || !p.collapsed.has(i))
  const match = p.rows.matches?.has(i)
  return (
    <div
      id={rowId(p.name, i)}
      class="rs-row"
      role="treeitem"
      aria-level={f.depth[i]! + 1}
      aria-setsize={siblings.length}
      aria-posinset={siblings.length < 500 ? siblings.indexOf(i) + 1 : undefined}
      aria-selected={p.selected === i}
      {...(kids ? { 'aria-expanded': open } : {})}
      data-run={r.id}
      data-match={match}
      data-dim={p.rows.matches && !match ? true : undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => p.select(i)}
    >
      <RowName p={p} run={i} kids={kids} open={open} />
      {p.cells(i)}
    </div>
  )
}

function RowName({ p, run: i, kids, open }: { p: RowListProps; run: number; kids: number; open: boolean }): JSX.Element {
  const { forest: f } = p
  const r = f.runs[i]!
  return (
    <span class="rs-row-name" style={{ paddingInlineStart: `${4 + Math.min(f.depth[i]!, 18) * 14}px` }}>
      {kids > 0 ? (
        <span
          class="rs-chevron"
          data-open={open}
          onClick={(e) => {
            e.stopPropagation()
            p.setOpen(i, !open)
          }}
        >
          <Icon name="right" />
        </span>
      ) : (
        <span class="rs-chevron" />
      )}
      <RunIcon run={r} />
      <Line text={label(r)} />
      {r.status === 'succeeded' ? <span class="sr-only">succeeded</span> : <Status status={r.status} bare />}
      {f.adrift.has(i) && (
        <span class="rs-badge warn" title={`Stands at the top: ${f.adrift.get(i)}`}>
          {f.adrift.get(i)}
        </span>
      )}
      {(r.attempts ?? 0) > 1 && <span class="rs-badge">{r.attempts} attempts</span>}
      {kids > 0 && !open && <span class="rs-badge">+{(f.size[i]! - 1).toLocaleString('en-US')}</span>}
    </span>
  )
}

/** Whether usage of a run is its own or the sum of the runs below. */
export function isSum(f: Forest, i: number, own: number | undefined): boolean {
  return own === undefined && f.kids[i]!.length > 0
}
