// A value that components can watch.
import { useEffect, useState } from 'preact/hooks'

export interface Store<T> {
  get(): T
  set(value: T): void
  /** subscribe calls fn after every change; the answer ends that. */
  subscribe(fn: () => void): () => void
}

export function store<T>(initial: T): Store<T> {
  let value = initial
  const watchers = new Set<() => void>()
  return {
    get: () => value,
    set(v) {
      if (Object.is(v, value)) return
      value = v
      for (const fn of [...watchers]) fn()
    },
    subscribe(fn) {
      watchers.add(fn)
      return () => watchers.delete(fn)
    },
  }
}

/** useStore gives the value and renders again when it changes. */
export function useStore<T>(s: Store<T>): T {
  const [, setTick] = useState(0)
  const value = s.get()
  useEffect(() => {
    const wake = () => setTick((n) => n + 1)
    if (!Object.is(s.get(), value)) wake()
    return s.subscribe(wake)
  }, [s])
  return value
}
