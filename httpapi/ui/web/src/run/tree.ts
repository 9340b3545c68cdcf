// The runs of a trace, fetched at once and again while it runs.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, call, isAbort } from '../api'
import type { TraceRow } from '../types'
import { buildForest, type Forest } from './forest'
import { pathOf } from './values'

/** A trace with its runs. */
export interface Tree {
  trace: TraceRow
  forest: Forest
}

export interface LoadedTree {
  tree: Tree | null
  error: ApiError | null
  loading: boolean
  reload(): void
}

interface Answer {
  data: { trace: TraceRow; runs: Parameters<typeof buildForest>[0] }
}

/** How often a running trace is asked for, ms, and how much longer than a load took. */
const EVERY = 3000
const PAUSE = 10

/** useTree fetches a trace, and while it runs again and again; unchanged answers cost nothing. */
export function useTree(app: string, traceId: string): LoadedTree {
  const [state, setState] = useState<Omit<LoadedTree, 'reload'>>({ tree: null, error: null, loading: true })
  const [again, setAgain] = useState(0)
  const shown = useRef('')
  useEffect(() => {
    const ctl = new AbortController()
    const key = `${app}\n${traceId}`
    if (shown.current !== key) setState({ tree: null, error: null, loading: true })
    shown.current = key
    void watch(app, traceId, ctl.signal, (patch) => {
      if (!ctl.signal.aborted) setState((s) => ({ ...s, loading: false, ...patch }))
    })
    return () => ctl.abort()
  }, [app, traceId, again])
  const reload = useCallback(() => setAgain((n) => n + 1), [])
  return { ...state, reload }
}

async function watch(
  app: string,
  traceId: string,
  signal: AbortSignal,
  set: (patch: Partial<LoadedTree>) => void,
): Promise<void> {
  let etag: string | null = null
  for (let running = true; running && !signal.aborted;) {
    const began = performance.now()
    try {
      const res = await call(pathOf(app, traceId, null, 'tree'), { signal, headers: etag ? { 'If-None-Match': etag } : {} })
      if (res.status !== 304) {
        const { data } = (await res.json()) as Answer
        etag = res.headers.get('ETag')
        running = data.trace.status === 'running' && !data.trace.stale
        set({ tree: { trace: data.trace, forest: buildForest(data.runs, running ? Date.now() : undefined) }, error: null })
      }
    } catch (err) {
      if (isAbort(err) || signal.aborted) return
      const error = err instanceof ApiError ? err : new ApiError(0, 'network', 'The answer of the server broke off. Try again.')
      set({ error })
      if (error.status >= 400 && error.status < 500) return
    }
    await pause(Math.max(EVERY, (performance.now() - began) * PAUSE), signal)
  }
}

/** Waits, and longer while nobody looks at the page. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  do {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
    })
  } while (document.hidden && !signal.aborted)
}
