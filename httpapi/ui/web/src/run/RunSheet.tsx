// The side sheet of one trace: its runs at the left, details at the right.
import './run.css'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ApiError } from '../api'
import { Help } from '../shell/Help'
import { setParams, useParams } from '../state'
import { Details } from './Details'
import { duration, plural } from '../format'
import { Icon } from '../ui/icons'
import { Status } from '../ui/status'
import { Left, VIEWS } from './Left'
import { Sheet, Split } from './Sheet'
import { Line, UserText } from './Text'
import { useTree, type Tree } from './tree'
import { CopyButton } from './ValueSection'

export interface RunSheetProps {
  app: string
  traceId: string
  /** The run that is selected; null = the trace as a whole. */
  runId: string | null
  onClose(): void
  onSelectRun(runId: string | null): void
}

/** The address follows the selection with a delay: browsers refuse many changes in a short time. */
const ADDRESS = 250

/** The sheet. What is in view and what is selected stand in the address. */
export default function RunSheet(p: RunSheetProps): JSX.Element {
  const loaded = useTree(p.app, p.traceId)
  const [help, setHelp] = useState(false)
  return (
    <Sheet label={`Trace ${p.traceId}`} onClose={p.onClose} onHelp={() => setHelp(true)}>
      {help && <Help onClose={() => setHelp(false)} />}
      <Head p={p} tree={loaded.tree} />
      {loaded.tree ? (
        <>
          {loaded.error && (
            <p class="rs-stale" role="alert">
              Not up to date: {loaded.error.message}{' '}
              <button type="button" class="rs-more" onClick={loaded.reload}>
                Try again
              </button>
            </p>
          )}
          <Body p={p} tree={loaded.tree} />
        </>
      ) : loaded.error ? (
        <Problem error={loaded.error} p={p} again={loaded.reload} />
      ) : (
        <Loading />
      )}
    </Sheet>
  )
}

function Head({ p, tree }: { p: RunSheetProps; tree: Tree | null }): JSX.Element {
  const t = tree?.trace
  return (
    <header class="rs-top">
      <div class="rs-top-names">
        <h1>{t?.name ? <Line text={t.name} /> : 'Trace'}</h1>
        <span class="rs-id">
          <span class="mono">
            <UserText text={p.traceId} />
          </span>
          <CopyButton what="trace id" text={() => p.traceId} />
        </span>
      </div>
      {t && (
        <div class="rs-top-facts num">
          <Status status={t.status} />
          {t.stale && <span class="rs-badge warn">no news for long</span>}
          <span>{duration(t.duration_ms)}</span>
          <span>{plural(t.run_count, 'run')}</span>
        </div>
      )}
      <button type="button" class="button quiet icon rs-close" aria-label="Close" title="Close (Esc)" onClick={p.onClose}>
        <Icon name="close" />
      </button>
    </header>
  )
}

function Body({ p, tree }: { p: RunSheetProps; tree: Tree }): JSX.Element {
  const q = useParams()
  const f = tree.forest
  const view = VIEWS.find((v) => v.id === q.get('view'))?.id ?? 'tree'
  const [id, setId] = useSelection(p)
  const selected = id === null ? -1 : (f.byId.get(id) ?? -1)
  const select = (run: number) => setId(f.runs[run]?.id ?? null)
  return (
    <>
      {id !== null && selected < 0 && (
        <p class="rs-stale" role="alert">
          The run <UserText text={id} /> is not in this trace.{' '}
          <button type="button" class="rs-more" onClick={() => setId(null)}>
            Show the whole trace
          </button>
        </p>
      )}
      <Split
        left={
          <Left
            forest={f}
            selected={selected}
            select={select}
            view={view}
            setView={(v) => setParams({ view: v === 'tree' ? null : v }, { replace: true })}
          />
        }
        right={
          <Details
            app={p.app}
            traceId={p.traceId}
            tree={tree}
            selected={selected}
            select={select}
            zone={q.get('tz') ?? undefined}
          />
        }
      />
    </>
  )
}

/** useSelection holds the selected run: at once on screen, a little later in the address. */
function useSelection(p: RunSheetProps): [string | null, (id: string | null) => void] {
  const [id, setId] = useState(p.runId)
  const told = useRef(p.runId)
  const onSelectRun = useRef(p.onSelectRun)
  onSelectRun.current = p.onSelectRun
  useEffect(() => {
    if (p.runId === told.current) return
    told.current = p.runId
    setId(p.runId)
  }, [p.runId])
  useEffect(() => {
    if (id === told.current) return
    const timer = setTimeout(() => {
      told.current = id
      onSelectRun.current(id)
    }, ADDRESS)
    return () => clearTimeout(timer)
  }, [id])
  return [id, setId]
}

function Problem({ error, p, again }: { error: ApiError; p: RunSheetProps; again(): void }): JSX.Element {
  const [title, what] = explain(error)
  return (
    <div class="rs-problem notice bad" role="alert">
      <h2>{title}</h2>
      <p>{what}</p>
      <p>
        <button type="button" class="button" onClick={again}>
          Try again
        </button>{' '}
        <button type="button" class="button" onClick={p.onClose}>
          Close
        </button>
      </p>
    </div>
  )
}

/** What is wrong, and what to do about it. */
export function explain(error: ApiError): [title: string, what: string] {
  switch (error.status) {
    case 404:
      return [
        'This trace is not here',
        'It may have been deleted, or have expired; or your token may not see its app. Check the app and the id in the address, or sign in with another token.',
      ]
    case 401:
      return ['You are not signed in', 'Sign in with a valid token, then open the link again.']
    case 403:
      return ['Your token may not read this', 'Sign in with a token that has the right “read” for this app.']
    case 0:
      return ['No answer', error.message]
    default:
      return ['The trace could not be loaded', error.message]
  }
}

function Loading(): JSX.Element {
  return (
    <div class="rs-loading" role="status" aria-label="Loading the trace">
      {Array.from({ length: 12 }, (_, i) => (
        <div
          key={i}
          class="skeleton rs-skeleton"
          style={{ width: `${30 + ((i * 37) % 50)}%`, marginInlineStart: `${(i % 4) * 18}px` }}
        />
      ))}
    </div>
  )
}
