// The table of traces. One row has the focus at a time; keys move it.
import { Fragment } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, call, path } from '../api'
import { useKeys } from '../keys'
import { oneLine } from '../run/chars'
import { dataOf, save } from '../save'
import { hrefOf, setParams } from '../state'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import type { Column } from './columns'
import { glance, type Row, type UserValue } from './rows'
import { Value } from './Value'

export interface TableProps {
  app: string
  rows: Row[]
  columns: Column[]
  zone: string
  sort: string
  busy: boolean
}

type Field = 'input' | 'output'

export function Table({ app, rows, columns, zone, sort, busy }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [at, setAt] = useState(0)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [failed, setFailed] = useState<string | null>(null)
  const current = Math.min(at, rows.length - 1)
  const ids = rows.map((r) => r.id).join('\n')
  useEffect(() => setAt(0), [ids])

  const focus = (i: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, i))
    setAt(to)
    const el = body.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)
    el?.focus({ preventScroll: true })
    el?.scrollIntoView({ block: 'nearest' })
  }
  const inTable = () => body.current?.contains(document.activeElement) ?? false
  const step = (by: number) => () => focus(inTable() ? current + by : current)
  const toggle = (id: string, fields: Field[]) => {
    const next = new Set(open)
    const all = fields.every((f) => next.has(f + id))
    for (const f of fields) {
      if (all) next.delete(f + id)
      else next.add(f + id)
    }
    setOpen(next)
  }
  const download = async (row: Row) => {
    setFailed(null)
    try {
      const res = await call(path('v1', 'apps', app, 'traces', row.id), { query: { include_runs: true } })
      save(await dataOf(await res.blob()), `${row.id}.json`)
    } catch (err) {
      setFailed(err instanceof ApiError ? err.message : 'The trace could not be read whole. Try again.')
    }
  }
  const withRow = (fn: (row: Row) => void) => () => {
    const row = rows[current]
    if (row) fn(row)
  }
  useKeys({
    j: step(1),
    k: step(-1),
    ArrowDown: step(1),
    ArrowUp: step(-1),
    Enter: withRow((row) => inTable() && setParams({ trace: row.id })),
    e: withRow((row) => toggle(row.id, ['input', 'output'])),
    d: withRow((row) => void download(row)),
  })

  return (
    <div class={`table-box panel${busy ? ' stale' : ''}`} aria-busy={busy}>
      {failed && (
        <p class="notice bad" role="alert">
          {failed}
        </p>
      )}
      <table class="traces-table">
        <caption class="sr-only">Traces</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.id} scope="col" class={cellClass(c)} aria-sort={c.id === 'start' ? (sort === 'started_at' ? 'ascending' : 'descending') : undefined}>
                {c.id === 'start' ? <SortButton label={c.label} sort={sort} /> : c.label}
              </th>
            ))}
            <th scope="col" class="c-actions">
              <span class="sr-only">Download</span>
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.map((row, i) => {
            const opened = (['input', 'output'] as const).filter((f) => open.has(f + row.id))
            return (
              <Fragment key={row.id}>
                <tr data-row={i} data-id={row.id} tabIndex={i === current ? 0 : -1} class={opened.length > 0 ? 'opened' : ''} onFocus={() => setAt(i)}>
                  {columns.map((c) => (
                    <Cell key={c.id} column={c} row={row} zone={zone} open={open} toggle={toggle} />
                  ))}
                  <td class="c-actions">
                    <button type="button" class="button quiet icon" aria-label={`Download ${oneLine(row.id, 60)}.json`} title="Download this trace with its runs" onClick={() => void download(row)}>
                      <Icon name="download" />
                    </button>
                  </td>
                </tr>
                {opened.length > 0 && (
                  <tr class="values">
                    <td colSpan={columns.length + 1}>
                      <div class="values-grid">
                        {opened.map((f) => (
                          <section key={f} aria-label={f}>
                            <h3>{f === 'input' ? 'Input' : 'Output'}</h3>
                            <Value app={app} traceId={row.id} field={f} value={row[f]} />
                          </section>
                        ))}
                      </div>
                    </td>
                  </tr>
                )}
              </Fragment>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function cellClass(c: Column): string {
  return `c-${c.id}${c.num ? ' num' : ''}`
}

function SortButton({ label, sort }: { label: string; sort: string }) {
  const up = sort === 'started_at'
  return (
    <button type="button" class="sort" title={up ? 'Oldest first' : 'Newest first'} onClick={() => setParams({ sort: up ? null : 'started_at', page: null })}>
      {label} <span aria-hidden="true">{up ? '↑' : '↓'}</span>
    </button>
  )
}

interface CellProps {
  column: Column
  row: Row
  zone: string
  open: ReadonlySet<string>
  toggle(id: string, fields: Field[]): void
}

function Cell({ column: c, row, zone, open, toggle }: CellProps) {
  if (c.id === 'status') {
    return (
      <td class={cellClass(c)}>
        <a
          href={hrefOf({ trace: row.id, run: null, view: null })}
          aria-label={`${row.status}: open the run tree`}
          onClick={(e) => {
            if (e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return
            e.preventDefault()
            setParams({ trace: row.id, run: null, view: null })
          }}
        >
          <Status status={row.status} stale={row.stale} />
        </a>
      </td>
    )
  }
  if (c.id === 'input' || c.id === 'output') {
    const field = c.id
    return <Payload field={field} value={row[field]} error={field === 'output' ? row.error : null} open={open.has(field + row.id)} onToggle={() => toggle(row.id, [field])} />
  }
  return (
    <td class={cellClass(c)} title={c.title?.(row, zone)} data-label={c.label}>
      {c.show?.(row, zone)}
    </td>
  )
}

function Payload({ field, value, error, open, onToggle }: { field: Field; value: UserValue; error: UserValue | null; open: boolean; onToggle(): void }) {
  const shown = oneLine(glance(value), 240)
  // A trace that failed has seldom an output; its error is what one looks for.
  const message = shown === '' && error && error.text !== 'null' ? oneLine(errorMessage(error), 240) : ''
  return (
    <td class={`c-${field}`}>
      <div class="payload">
        {message ? <bdi class="user-text error-text">{message}</bdi> : shown ? <bdi class="user-text">{shown}</bdi> : <span class="none">—</span>}
        {value.text !== 'null' && (
          <button type="button" class="button quiet icon" aria-label={`${open ? 'Hide' : 'Show'} the ${field}`} aria-expanded={open} onClick={onToggle}>
            <Icon name={open ? 'eye-off' : 'eye'} />
          </button>
        )}
      </div>
    </td>
  )
}

/** errorMessage is the message of an error object, else the error as it is. */
function errorMessage(e: UserValue): string {
  try {
    const v: unknown = JSON.parse(e.text)
    if (v !== null && typeof v === 'object' && 'message' in v && typeof v.message === 'string') return v.message
  } catch {
    // A preview of an error is not JSON any more.
  }
  return glance(e)
}
