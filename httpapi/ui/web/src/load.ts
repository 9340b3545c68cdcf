// Loading for components: abort what is out of date, keep what is shown while
// the next answer is on its way.
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError, isAbort } from './api'
import type { Kept } from './kept'

export interface Loaded<T> {
  /** The last good answer; stays while another one is loaded. */
  data: T | null
  error: ApiError | null
  loading: boolean
  reload(): void
}

/**
 * useLoad runs ask whenever its key changes, and again on reload. ask gets a
 * signal that ends it. With kept, an answer that is there already is shown
 * while the next one is on its way.
 */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, key: string, kept?: Kept<T>): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>(() => ({ data: kept?.get(key) ?? null, error: null, loading: true }))
  const [again, setAgain] = useState(0)
  const latest = useRef(ask)
  latest.current = ask
  // A layout effect: the question leaves before the frame is painted.
  useLayoutEffect(() => {
    const ctl = new AbortController()
    setState((s) => {
      const data = kept?.get(key) ?? s.data
      return s.loading && data === s.data ? s : { ...s, data, loading: true }
    })
    const answer = kept?.take(key) ?? latest.current(ctl.signal)
    answer
      .then((data) => {
        if (ctl.signal.aborted) return
        kept?.set(key, data)
        setState({ data, error: null, loading: false })
      })
      .catch((err: unknown) => {
        if (isAbort(err) || ctl.signal.aborted) return
        const error = err instanceof ApiError ? err : new ApiError(0, 'unknown', err instanceof Error ? err.message : String(err))
        setState((s) => ({ ...s, error, loading: false }))
      })
    return () => ctl.abort()
  }, [key, again])
  const reload = useCallback(() => setAgain((n) => n + 1), [])
  return { ...state, reload }
}

/** keyOf is the key of what an answer depends on. */
export function keyOf(...parts: readonly unknown[]): string {
  return JSON.stringify(parts)
}
