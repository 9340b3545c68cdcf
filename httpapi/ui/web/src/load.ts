// Loading for components: abort what is out of date, keep what is shown while
// the next answer is on its way.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, isAbort } from './api'

export interface Loaded<T> {
  /** The last good answer; stays while another one is loaded. */
  data: T | null
  error: ApiError | null
  loading: boolean
  /** The deps that data answers, to tell old data from new. */
  of: readonly unknown[] | null
  reload(): void
}

/** useLoad runs fn whenever deps change, and again on reload. fn gets a signal that ends it. */
export function useLoad<T>(fn: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ data: null, error: null, loading: true, of: null })
  const [again, setAgain] = useState(0)
  const latest = useRef(fn)
  latest.current = fn
  useEffect(() => {
    const ctl = new AbortController()
    setState((s) => ({ ...s, loading: true }))
    latest
      .current(ctl.signal)
      .then((data) => {
        if (!ctl.signal.aborted) setState({ data, error: null, loading: false, of: deps })
      })
      .catch((err: unknown) => {
        if (isAbort(err) || ctl.signal.aborted) return
        const error = err instanceof ApiError ? err : new ApiError(0, 'unknown', err instanceof Error ? err.message : String(err))
        setState((s) => ({ ...s, error, loading: false }))
      })
    return () => ctl.abort()
  }, [...deps, again])
  const reload = useCallback(() => setAgain((n) => n + 1), [])
  return { ...state, reload }
}
