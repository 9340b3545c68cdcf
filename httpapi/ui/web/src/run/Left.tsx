// The left side: graph, tree or timeline of the runs, and the search over them.
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { lazy } from '../lazy'
import { criticalPath } from './critical'
import { count } from '../format'
import type { Forest } from './forest'
import { Icon } from '../ui/icons'
import { collapsedBelow, search, visibleRows } from './rows'
import { nextMatch } from './rowsnav'
import { Tabs } from './Tabs'
import { TimelineView } from './TimelineView'
import { TreeView } from './TreeView'

const GraphView = lazy(() => import('./GraphView'))

/** The views of the left side. */
export const VIEWS = [
  { id: 'graph', title: 'Graph' },
  { id: 'tree', title: 'Tree' },
  { id: 'timeline', title: 'Timeline' },
] as const

interface Props {
  forest: Forest
  selected: number
  select(run: number): void
  view: string
  setView(view: string): void
}

/** The left side. */
export function Left({ forest: f, selected, select, view, setView }: Props): JSX.Element {
  const [query, setQuery] = useState('')
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const field = useRef<HTMLInputElement>(null)
  const matches = useMemo(() => search(f, query), [f, query])
  const collapsed = useMemo(() => positions(f, closed), [f, closed])
  const rows = useMemo(() => visibleRows(f, collapsed, matches), [f, collapsed, matches])
  const path = useMemo(() => criticalPath(f), [f])
  // A run that is selected from elsewhere is never hidden in what is collapsed.
  useEffect(() => {
    if (selected < 0 || rows.at.has(selected)) return
    const open = new Set(closed)
    for (let i = f.parent[selected]!; i >= 0; i = f.parent[i]!) open.delete(f.runs[i]!.id)
    if (open.size !== closed.size) setClosed(open)
  }, [selected])
  // The slash goes to the search from everywhere in the sheet.
  useEffect(() => {
    const sheet = document.querySelector<HTMLElement>('.rs-sheet')
    const onKey = (e: KeyboardEvent) => {
      const el = e.target as HTMLElement
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || !field.current)
        return
      e.preventDefault()
      field.current.focus()
    }
    sheet?.addEventListener('keydown', onKey)
    return () => sheet?.removeEventListener('keydown', onKey)
  }, [])
  const setOpen = (run: number, open: boolean) => {
    const next = new Set(closed)
    if (open) next.delete(f.runs[run]!.id)
    else next.add(f.runs[run]!.id)
    setClosed(next)
  }
  const setAll = (open: boolean) => setClosed(open ? new Set() : new Set([...collapsedBelow(f, 1)].map((i) => f.runs[i]!.id)))
  const props = { forest: f, selected, select, query }
  const rowsProps = { ...props, rows, collapsed, setOpen, path }
  const go = (back: boolean) => {
    const next = nextMatch(rows, selected, back)
    if (next !== undefined) select(next)
  }
  return (
    <section class="rs-runs" aria-label="Runs">
      <div
        class="rs-left-head"
        onKeyDown={(e) => {
          if (e.key === 'Escape' && query && e.target === field.current) {
            e.stopPropagation()
            e.preventDefault()
            setQuery('')
          }
        }}
      >
        <Tabs list={VIEWS} at={view} set={setView} name="View of the runs" panel="rs-view" />
        {view !== 'graph' && (
          <>
            <Search field={field} query={query} set={setQuery} found={matches?.size} go={go} />
            <button type="button" class="rs-tool" title="Open all" aria-label="Open all" onClick={() => setAll(true)}>
              <Icon name="plus" />
            </button>
            <button type="button" class="rs-tool" title="Close all" aria-label="Close all" onClick={() => setAll(false)}>
              <Icon name="minus" />
            </button>
          </>
        )}
      </div>
      <div class="rs-view" id="rs-view" role="tabpanel" aria-labelledby={`rs-view-${view}`}>
        {view === 'graph' ? (
          <GraphView {...props} />
        ) : view === 'timeline' ? (
          <TimelineView {...rowsProps} />
        ) : (
          <TreeView {...rowsProps} />
        )}
        {view !== 'graph' && matches?.size === 0 && (
          <p class="rs-none rs-nothing">No run matches. Names, models, groups, statuses, ids and errors are searched.</p>
        )}
      </div>
    </section>
  )
}

interface SearchProps {
  field: { current: HTMLInputElement | null }
  query: string
  set(query: string): void
  found: number | undefined
  go(back: boolean): void
}

function Search({ field, query, set, found, go }: SearchProps): JSX.Element {
  return (
    <span class="rs-search">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        placeholder="Search runs"
        aria-label="Search runs"
        value={query}
        onInput={(e) => set(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== 'Enter') return
          e.preventDefault()
          go(e.shiftKey)
        }}
      />
      <span class="rs-found num" role="status">
        {found === undefined ? '' : `${count(found)} found`}
      </span>
    </span>
  )
}

function positions(f: Forest, ids: ReadonlySet<string>): Set<number> {
  const out = new Set<number>()
  for (const id of ids) {
    const i = f.byId.get(id)
    if (i !== undefined) out.add(i)
  }
  return out
}
