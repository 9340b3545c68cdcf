// The dialog that exports the traces that match.
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, isAbort, json, path, type ListAnswer, type Query } from '../api'
import { count, percent, plural, size } from '../format'
import { keyOf, useLoad } from '../load'
import { filterOf, rangeOf } from '../range'
import { Dialog } from '../ui/dialog'
import { ErrorNotice } from '../ui/error'
import { Icon } from '../ui/icons'
import { fromField, toField } from '../ui/RangePicker'
import { exportTraces } from './export'
import { filterQuery } from './filters'
import type { Row } from './rows'
import { memoryLimit, openSink, streams, type FileSink } from './sink'

export interface ExportProps {
  app: string
  q: URLSearchParams
  zone: string
  rows: readonly Row[]
}

export function ExportButton(props: ExportProps) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}>
        <Icon name="download" /> Export
      </button>
      {open && <ExportDialog {...props} onClose={() => setOpen(false)} />}
    </>
  )
}

interface Bounds {
  from: string | null
  to: string | null
  /** `to` itself is part of the range: it is the start of a listed trace. */
  closed: boolean
}

/** spanOf is the range of the export: that of the filter, else from the oldest to the newest listed trace. */
export function spanOf(q: URLSearchParams, zone: string, rows: readonly Row[], now: number): Bounds {
  const range = rangeOf(q)
  if (range.kind !== 'none' || rows.length === 0) return { ...filterOf(range, now, zone), closed: false }
  const starts = rows.map((r) => r.started_at).sort((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1))
  return { from: starts[0]!, to: starts.at(-1)!, closed: true }
}

function queryOf(q: URLSearchParams, zone: string, b: Bounds): Query {
  return { ...filterQuery(q, 0, zone), 'started_at:gte': b.from, 'started_at:lt': b.closed ? null : b.to, 'started_at:lte': b.closed ? b.to : null }
}

type Progress =
  | { kind: 'idle' }
  | { kind: 'running'; count: number; bytes: number }
  | { kind: 'done'; count: number; name: string }
  | { kind: 'failed'; error: ApiError }

function ExportDialog({ app, q, zone, rows, onClose }: ExportProps & { onClose(): void }) {
  const [bounds, setBounds] = useState(() => spanOf(q, zone, rows, Date.now()))
  const [includeRuns, setIncludeRuns] = useState(false)
  const [format, setFormat] = useState<'json' | 'jsonl'>('json')
  const [progress, setProgress] = useState<Progress>({ kind: 'idle' })
  const ctl = useRef<AbortController | null>(null)
  useEffect(() => () => ctl.current?.abort(), [])
  const query = queryOf(q, zone, bounds)
  const matching = useLoad(
    async (signal) => (await json<ListAnswer<unknown>>(path('v1', 'apps', app, 'traces'), { query: { ...query, page_size: 1, preview: 1 }, signal })).pagination.total_count,
    keyOf(query),
  )
  const running = progress.kind === 'running'

  const start = async () => {
    const abort = new AbortController()
    ctl.current = abort
    const onProgress = (count: number, bytes: number) => setProgress({ kind: 'running', count, bytes })
    let sink: FileSink | null = null
    try {
      sink = await openSink(`${app}-traces.${format}`, format === 'json' ? 'application/json' : 'application/x-ndjson')
      onProgress(0, 0)
      const n = await exportTraces({ app, filter: query, includeRuns, format, signal: abort.signal, onProgress }, sink)
      setProgress({ kind: 'done', count: n, name: await sink.close() })
    } catch (err) {
      await sink?.discard()
      if (abort.signal.aborted || isAbort(err)) setProgress({ kind: 'idle' })
      else setProgress({ kind: 'failed', error: err instanceof ApiError ? err : new ApiError(0, 'unknown', String(err)) })
    }
  }
  const cancel = () => ctl.current?.abort()
  const close = () => {
    cancel()
    onClose()
  }

  return (
    <Dialog title="Export traces" onClose={close} class="export">
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void start()
        }}
      >
        <fieldset disabled={running}>
          <legend>Started</legend>
          <div class="row">
            <Bound label="From" zone={zone} value={bounds.from} onChange={(from) => setBounds({ ...bounds, from })} />
            <Bound
              label={bounds.closed ? 'Up to' : 'Before'}
              zone={zone}
              value={bounds.to}
              onChange={(to) => setBounds({ ...bounds, to, closed: false })}
            />
          </div>
          <div class="row">
            <span class="hint">{zone}</span>
            <span class="spacer" />
            <button type="button" class="link" onClick={() => setBounds({ from: null, to: null, closed: false })}>
              All dates
            </button>
          </div>
        </fieldset>
        <fieldset disabled={running}>
          <legend>Format</legend>
          <label class="choice">
            <input type="radio" name="format" checked={format === 'json'} onChange={() => setFormat('json')} />
            JSON <span class="hint">one array</span>
          </label>
          <label class="choice">
            <input type="radio" name="format" checked={format === 'jsonl'} onChange={() => setFormat('jsonl')} />
            JSON lines <span class="hint">one trace a line</span>
          </label>
          <label class="choice">
            <input type="checkbox" checked={includeRuns} onChange={(e) => setIncludeRuns(e.currentTarget.checked)} />
            Include runs
          </label>
        </fieldset>
        {!streams() && <p class="hint">This browser holds the export in memory until it is whole: at most {size(memoryLimit)}.</p>}
        <Report progress={progress} total={matching.data} />
        {matching.error && <ErrorNotice error={matching.error} what="The traces could not be counted" onRetry={matching.reload} />}
        <footer class="row">
          <span class="num" data-matching={matching.data ?? ''}>
            <b>{count(matching.data)}</b> {matching.data === 1 ? 'trace matches' : 'traces match'}
          </span>
          <span class="spacer" />
          {/* The keys keep them two elements: one that becomes a submit button under a click would submit. */}
          {running ? (
            <button key="cancel" type="button" class="button" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button key="export" type="submit" class="button primary" disabled={!matching.data}>
              <Icon name="download" /> Export
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  )
}

function Bound({ label, zone, value, onChange }: { label: string; zone: string; value: string | null; onChange(v: string | null): void }) {
  return (
    <label class="bound">
      {label}
      <input class="field" type="datetime-local" step="1" value={toField(value, zone)} onInput={(e) => onChange(fromField(e.currentTarget.value, zone))} />
    </label>
  )
}

function Report({ progress, total }: { progress: Progress; total: number | null }) {
  switch (progress.kind) {
    case 'idle':
      return null
    case 'running':
      return (
        <div class="export-progress" role="status">
          <progress value={progress.count} max={Math.max(total ?? 0, progress.count, 1)} aria-label="Exported" />
          <span class="num">
            {count(progress.count)} of {count(total)} {total ? `(${percent(Math.min(progress.count, total), total)})` : ''} · {size(progress.bytes)}
          </span>
        </div>
      )
    case 'done':
      return (
        <p class="notice good" role="status">
          {plural(progress.count, 'trace')} exported to <span class="user-text">{progress.name}</span>.
        </p>
      )
    case 'failed':
      return <ErrorNotice error={progress.error} what="The export failed" />
  }
}
