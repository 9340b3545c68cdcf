// The tab of the list.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { json, path, text, type ListAnswer } from '../api'
import { count } from '../format'
import { useKeys } from '../keys'
import { refreshNow, useLive } from '../live'
import { useLoad } from '../load'
import { parse } from '../run/json'
import { setParams, useParams } from '../state'
import { ErrorNotice } from '../ui/error'
import { Icon } from '../ui/icons'
import { chosenColumns, ColumnPicker } from './columns'
import { ExportButton } from './Export'
import { activeFilters } from './filters'
import { Filters } from './Filters'
import { askList, lists, listState, type Listed } from './list'
import { goTo, Pager } from './Pager'
import { parseRow, type Row } from './rows'
import { Table } from './Table'
import './traces.css'

export function Traces({ app }: { app: string }) {
  const q = useParams()
  const state = listState(app, q)
  const { at, page, zone } = state
  const list = useLoad((signal) => askList(state, q, signal), state.key, lists)
  const live = useNews(at, list.data, list.reload)
  const cols = q.get('cols')
  const columns = useMemo(() => chosenColumns(cols), [cols])
  useKeys({
    '/': () => document.getElementById('find')?.focus(),
    n: () => list.data && page < list.data.page.pagination.page_count && goTo(page + 1),
    p: () => page > 1 && goTo(page - 1),
  })

  const shown = list.data
  return (
    <>
      <div class="toolbar">
        <Filters app={app} q={q} zone={zone} />
        <span class="spacer" />
        <ColumnPicker q={q} />
        <ExportButton app={app} q={q} zone={zone} rows={shown?.page.rows ?? []} />
      </div>
      {list.error && <ErrorNotice error={list.error} what="The traces could not be listed" onRetry={list.reload} />}
      <div class="news" role="status">
        {live.news > 0 && (
          <button
            type="button"
            onClick={() => {
              if (page !== 1) goTo(1)
              else refreshNow()
            }}
          >
            <Icon name="refresh" size={14} />
            {count(live.news)} new
          </button>
        )}
      </div>
      {shown ? (
        <>
          <Table app={app} rows={live.rows} of={shown.key} columns={columns} zone={zone} sort={state.sort} loading={list.loading} />
          {shown.page.rows.length === 0 && !list.loading && <Nothing page={page} total={shown.page.pagination.total_count} />}
          <Pager p={shown.page.pagination} loading={list.loading} />
        </>
      ) : (
        !list.error && <Skeleton />
      )}
    </>
  )
}

/** At most so many traces that run are asked about at one tick. */
const followed = 12

/**
 * useNews looks for new traces without moving the rows that are there, and
 * keeps rows of traces that run up to date where they stand.
 */
function useNews(at: string, listed: Listed | null, reload: () => void): { news: number; rows: readonly Row[] } {
  const [news, setNews] = useState(0)
  const [fresh, setFresh] = useState<ReadonlyMap<string, Row>>(new Map())
  const ctl = useRef<AbortController | null>(null)
  useEffect(() => {
    setNews(0)
    setFresh((old) => (old.size > 0 ? new Map<string, Row>() : old))
    return () => ctl.current?.abort()
  }, [listed])
  const rows = useMemo(() => (listed?.page.rows ?? []).map((r) => fresh.get(r.id) ?? r), [listed, fresh])

  const look = async (signal: AbortSignal) => {
    if (!listed) return
    const counted = json<ListAnswer<unknown>>(at, { query: { ...listed.filter, page_size: 1, preview: 1 }, signal })
    const running = rows.filter((r) => r.status === 'running').slice(0, followed)
    const now = await Promise.all(
      running.map((r) =>
        text(`${at}/${path(r.id)}`, { query: { preview: 2048 }, signal })
          .then(dataRow)
          .catch(() => null),
      ),
    )
    const total = (await counted).pagination.total_count
    if (signal.aborted) return
    setNews(Math.max(0, total - listed.page.pagination.total_count))
    const changed = now.filter((r): r is Row => r !== null)
    if (changed.length > 0) setFresh((old) => new Map([...old, ...changed.map((r): [string, Row] => [r.id, r])]))
  }
  useLive((asked) => {
    if (asked) {
      reload()
      return
    }
    ctl.current?.abort()
    ctl.current = new AbortController()
    // What fails here fails again at the next tick, or when the reader asks.
    look(ctl.current.signal).catch(() => undefined)
  })
  return { news, rows }
}

function dataRow(answer: string): Row {
  return parseRow(parse(answer.slice('{"data":'.length, -1)))
}

function Nothing({ page, total }: { page: number; total: number }) {
  return (
    <div class="notice none" role="status">
      {total > 0 ? (
        <>
          There is no page {count(page)} any more.{' '}
          <button type="button" class="link" onClick={() => goTo(1)}>
            Go to the first one
          </button>
        </>
      ) : (
        <>
          No trace matches these filters.{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              const q = new URLSearchParams(location.search)
              setParams({ ...Object.fromEntries(activeFilters(q).map(([n]) => [n, null])), status: null, range: null, from: null, to: null, page: null })
            }}
          >
            Clear them
          </button>
        </>
      )}
    </div>
  )
}

function Skeleton() {
  return (
    <div class="table-skeleton panel" aria-busy="true" aria-label="Loading the traces">
      {Array.from({ length: 12 }, (_, i) => (
        <div key={i} class="skeleton line wide" />
      ))}
    </div>
  )
}
