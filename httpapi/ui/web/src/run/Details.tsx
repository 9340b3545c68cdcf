// The right side of the sheet: the selected run, or the trace, under tabs.
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call } from '../api'
import { keyOf, useLoad } from '../load'
import { ConfigView } from './ConfigView'
import { Evaluations } from './Evaluations'
import { plural } from '../format'
import { label } from './forest'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import { RunIcon } from './RunIcon'
import { pretty } from './json'
import { JsonView } from './JsonView'
import { RunDetails } from './RunDetails'
import { Tabs } from './Tabs'
import { Line } from './Text'
import { TraceDetails } from './TraceDetails'
import type { Tree } from './tree'
import { CopyButton, type Place } from './ValueSection'
import { fetchDoc, pathOf, saveBlob, type Doc } from './values'

interface Props {
  app: string
  traceId: string
  tree: Tree
  /** The selected run; −1 is the trace. */
  selected: number
  select(run: number): void
  zone: string | undefined
}

/** A selection that moves on is not loaded: so long must it stay, ms. */
const SETTLE = 120

/** useSettled is a value once it has not changed for a moment; the first at once. */
function useSettled<T>(value: T): T {
  const [settled, set] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => set(value), SETTLE)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

/** The right side. */
export function Details(p: Props): JSX.Element {
  const [tab, setTab] = useState('details')
  const f = p.tree.forest
  const run = useSettled(p.selected < 0 ? null : f.runs[p.selected]!.id)
  const now = run === null ? -1 : (f.byId.get(run) ?? -1)
  const r = f.runs[p.selected]
  const version = r ? `${r.status} ${r.end_time}` : p.tree.trace.updated_at
  const doc = useLoad(async (signal) => ({ run, doc: await fetchDoc(p.app, p.traceId, run, signal) }), keyOf(p.app, p.traceId, run, version))
  const place: Place = { app: p.app, traceId: p.traceId, runId: run }
  const shown = doc.data?.run === run ? doc.data.doc : null
  const tabs = [
    { id: 'details', title: 'Details' },
    ...(r ? [{ id: 'config', title: 'Configuration' }] : []),
    { id: 'json', title: 'JSON' },
    { id: 'evaluation', title: 'Evaluation' },
  ]
  const at = tabs.some((t) => t.id === tab) ? tab : 'details'
  return (
    <section class="rs-details" aria-label={r ? 'Selected run' : 'Whole trace'}>
      <DetailsHead p={p} />
      <Tabs list={tabs} at={at} set={setTab} name="What is shown of it" panel="rs-details-panel" />
      <div
        class="rs-details-body"
        id="rs-details-panel"
        role="tabpanel"
        aria-labelledby={`rs-details-panel-${at}`}
        tabIndex={0}
        key={`${run} ${at}`}
      >
        {at === 'evaluation' ? (
          <Evaluations app={p.app} traceId={p.traceId} runId={run} forest={f} onSelectRun={p.select} zone={p.zone} />
        ) : doc.error && !shown ? (
          <Failed error={doc.error} again={doc.reload} />
        ) : !shown ? (
          <Skeleton />
        ) : at === 'json' ? (
          <RawJson doc={shown} place={place} />
        ) : at === 'config' ? (
          <ConfigView doc={shown} place={place} />
        ) : now >= 0 ? (
          <RunDetails forest={f} run={now} doc={shown} place={place} zone={p.zone} />
        ) : (
          <TraceDetails trace={p.tree.trace} doc={shown} place={place} zone={p.zone} />
        )}
      </div>
    </section>
  )
}

function DetailsHead({ p }: { p: Props }): JSX.Element {
  const r = p.tree.forest.runs[p.selected]
  if (!r) {
    return (
      <header class="rs-details-head">
        <h2>Whole trace</h2>
        <Status status={p.tree.trace.status} />
      </header>
    )
  }
  return (
    <header class="rs-details-head">
      <RunIcon run={r} />
      <h2>
        <Line text={label(r)} />
      </h2>
      <Status status={r.status} />
      <span class="rs-badge">{r.group ?? r.type}</span>
      <button
        type="button"
        class="rs-tool rs-back"
        aria-label="Back to the whole trace"
        title="Back to the whole trace"
        onClick={() => p.select(-1)}
      >
        <Icon name="close" />
      </button>
    </header>
  )
}

function Failed({ error, again }: { error: ApiError; again(): void }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <p>{error.status === 404 ? 'This run is not there any more.' : `It could not be loaded: ${error.message}`}</p>
      <button type="button" class="button" onClick={again}>
        Try again
      </button>
    </div>
  )
}

function Skeleton(): JSX.Element {
  return (
    <div role="status" aria-label="Loading">
      {[70, 100, 100, 40].map((w, i) => (
        <div key={i} class="skeleton rs-skeleton" style={{ width: `${w}%` }} />
      ))}
    </div>
  )
}

function RawJson({ doc, place }: { doc: Doc; place: Place }): JSX.Element {
  const [failed, setFailed] = useState<string | null>(null)
  const cut = (['input', 'output', 'error', 'metadata'] as const).filter((f) => doc.value(f)?.partial)
  const save = () => {
    setFailed(null)
    call(pathOf(place.app, place.traceId, place.runId))
      .then((res) => res.blob())
      .then((blob) => saveBlob(blob, `${place.runId ?? place.traceId}.json`))
      .catch((err: unknown) => setFailed(err instanceof ApiError ? err.message : 'The download broke off. Try again.'))
  }
  return (
    <>
      <div class="rs-raw-tools">
        <CopyButton what={cut.length ? 'JSON (long values cut)' : 'JSON'} text={() => pretty(doc.json)} />
        <button type="button" class="rs-tool" aria-label="Download JSON" title="Download JSON, whole" onClick={save}>
          <Icon name="download" />
        </button>
        {cut.length > 0 && (
          <span class="rs-hint">
            {plural(cut.length, 'long value')} cut here: {cut.join(', ')}
          </span>
        )}
      </div>
      {failed && (
        <p class="field-error" role="alert">
          {failed}
        </p>
      )}
      <JsonView value={doc.json} label="JSON" />
    </>
  )
}
