// The table of traces. One row has the focus at a time; keys move it.
import { Fragment } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ApiError, call, path } from '../api'
import { useKeys } from '../keys'
import { oneLine } from '../run/chars'
import { dataOf, save } from '../save'
import { hrefOf, setParams } from '../state'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import type { Column } from './columns'
import { useGrow } from './grow'
import { glance, type Row, type UserValue } from './rows'
import { Value } from './Value'

export interface TableProps {
  app: string
  rows: readonly Row[]
  /** Tells the rows of one question from those of another. */
  of: string
  columns: Column[]
  zone: string
  sort: string
  loading: boolean
}

type Field = 'input' | 'output'

const fields: readonly Field[] = ['input', 'output']

/** What a row can do to the table. */
interface Acts {
  focus(i: number): void
  toggle(id: string, fields: readonly Field[]): void
  download(row: Row): void
}

export function Table({ app, rows, of, columns, zone, sort, loading }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [at, setAt] = useState(0)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [failed, setFailed] = useState<string | null>(null)
  const drawn = useGrow(rows.length, of, loading)
  const current = Math.min(at, rows.length - 1)
  const ids = useMemo(() => rows.map((r) => r.id).join('\n'), [rows])
  useEffect(() => setAt(0), [ids])

  const acts = useMemo<Acts>(
    () => ({
      focus: setAt,
      toggle: (id, fields) => setOpen((open) => toggled(open, id, fields)),
      async download(row) {
        setFailed(null)
        try {
          const res = await call(path('v1', 'apps', app, 'traces', row.id), { query: { include_runs: true } })
          save(await dataOf(await res.blob()), `${row.id}.json`)
        } catch (err) {
          setFailed(err instanceof ApiError ? err.message : 'The trace could not be read whole. Try again.')
        }
      },
    }),
    [app],
  )
  useRowKeys(body, rows, current, acts)

  const link = hrefOf({ trace: null, run: null, view: null })
  return (
    <div class={`table-box panel${loading ? ' stale' : ''}`} aria-busy={loading || drawn < rows.length}>
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
          {rows.slice(0, drawn).map((row, i) => (
            <TableRow
              key={row.id}
              app={app}
              row={row}
              i={i}
              current={i === current}
              columns={columns}
              zone={zone}
              link={link}
              input={open.has('input' + row.id)}
              output={open.has('output' + row.id)}
              acts={acts}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** toggled opens fields of a row, or closes them where all are open. */
function toggled(open: ReadonlySet<string>, id: string, fields: readonly Field[]): ReadonlySet<string> {
  const next = new Set(open)
  const all = fields.every((f) => next.has(f + id))
  for (const f of fields) {
    if (all) next.delete(f + id)
    else next.add(f + id)
  }
  return next
}

/** useRowKeys are the keys of the table. */
function useRowKeys(body: { current: HTMLElement | null }, rows: readonly Row[], current: number, acts: Acts): void {
  const focus = (i: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, i))
    acts.focus(to)
    const el = body.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)
    el?.focus({ preventScroll: true })
    el?.scrollIntoView({ block: 'nearest' })
  }
  const inTable = () => body.current?.contains(document.activeElement) ?? false
  const step = (by: number) => () => focus(inTable() ? current + by : current)
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
    e: withRow((row) => acts.toggle(row.id, fields)),
    d: withRow((row) => acts.download(row)),
  })
}

interface RowProps {
  app: string
  row: Row
  i: number
  /** Has the place of the focus. */
  current: boolean
  columns: Column[]
  zone: string
  /** The address of the page without a sheet. */
  link: string
  /** Whether the value is shown whole below the row. */
  input: boolean
  output: boolean
  acts: Acts
}

function TableRow(p: RowProps) {
  const { row, i, columns, zone, link, input, output, acts } = p
  const opened = fields.filter((f) => p[f])
  // The same cells as before are skipped when only the place of the row, or of
  // the focus, is another one.
  const cells = useMemo(
    () => [
      // Calls, not components: a page of rows has hundreds of cells.
      ...columns.map((column) => cell({ column, row, zone, link, open: column.id === 'input' ? input : output, acts })),
      <td key="actions" class="c-actions">
        <button type="button" class="button quiet icon" aria-label={`Download ${oneLine(row.id, 60)}.json`} title="Download this trace with its runs" onClick={() => acts.download(row)}>
          <Icon name="download" />
        </button>
      </td>,
    ],
    [row, columns, zone, link, input, output, acts],
  )
  return (
    <Fragment>
      <tr data-row={i} data-id={row.id} tabIndex={p.current ? 0 : -1} class={opened.length > 0 ? 'opened' : ''} onFocus={() => acts.focus(i)}>
        {cells}
      </tr>
      {opened.length > 0 && (
        <tr class="values">
          <td colSpan={columns.length + 1}>
            <div class="values-grid">
              {opened.map((f) => (
                <section key={f} aria-label={f}>
                  <h3>{f === 'input' ? 'Input' : 'Output'}</h3>
                  <Value app={p.app} traceId={row.id} field={f} value={row[f]} />
                </section>
              ))}
            </div>
          </td>
        </tr>
      )}
    </Fragment>
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
  link: string
  open: boolean
  acts: Acts
}

function cell({ column: c, row, zone, link, open, acts }: CellProps) {
  if (c.id === 'status') {
    return (
      <td key={c.id} class={cellClass(c)}>
        <a
          href={`${link}${link.includes('?') ? '&' : '?'}trace=${encodeURIComponent(row.id)}`}
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
    return payload({ field, value: row[field], error: field === 'output' ? row.error : null, open, onToggle: () => acts.toggle(row.id, [field]) })
  }
  return (
    <td key={c.id} class={cellClass(c)} title={c.title?.(row, zone)} data-label={c.label}>
      {c.show?.(row, zone)}
    </td>
  )
}

interface PayloadProps {
  field: Field
  value: UserValue
  error: UserValue | null
  open: boolean
  onToggle(): void
}

function payload({ field, value, error, open, onToggle }: PayloadProps) {
  const shown = oneLine(glance(value), 240)
  // A trace that failed has seldom an output; its error is what one looks for.
  const message = shown === '' && error && error.text !== 'null' ? oneLine(errorMessage(error), 240) : ''
  return (
    <td key={field} class={`c-${field}`} data-label={field === 'input' ? 'Input' : 'Output'}>
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
