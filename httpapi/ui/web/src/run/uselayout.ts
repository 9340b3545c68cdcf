// The layout of a plan, made in a worker; the last answer stays until the next.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Placed } from './layout'
import type { Plan } from './plan'

export interface Laid {
  placed: Placed | null
  busy: boolean
  error: string | null
}

/** useLayout lays out a plan whenever it changes. The worker starts with the first plan and ends with the view. */
export function useLayout(plan: Plan): Laid {
  const [laid, setLaid] = useState<Laid>({ placed: null, busy: true, error: null })
  const worker = useRef<Worker>()
  const asked = useRef(0)
  useEffect(() => () => worker.current?.terminate(), [])
  useEffect(() => {
    const id = ++asked.current
    setLaid((l) => ({ ...l, busy: true }))
    const w = (worker.current ??= new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' }))
    w.onmessage = (e: MessageEvent<{ id: number; placed?: Placed; error?: string }>) => {
      if (e.data.id !== asked.current) return
      if (e.data.placed) setLaid({ placed: e.data.placed, busy: false, error: null })
      else setLaid({ placed: null, busy: false, error: e.data.error ?? 'unknown' })
    }
    w.onerror = () => setLaid({ placed: null, busy: false, error: 'the layout could not be loaded' })
    w.postMessage({ id, plan })
  }, [plan])
  return laid
}
