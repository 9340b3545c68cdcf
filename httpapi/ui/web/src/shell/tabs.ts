// The tabs: what opening one does to the address, and asking for what it shows
// before it is open.
import { useEffect } from 'preact/hooks'
import { warmCharts } from '../monitoring/load'
import { params, patched, setParams, type Patch } from '../state'
import { warmList } from '../traces/list'

export type Tab = 'monitoring' | 'traces'

/** tabOf is the tab that an address has open. */
export function tabOf(q: URLSearchParams): Tab {
  return q.get('tab') === 'traces' ? 'traces' : 'monitoring'
}

export function tabPatch(to: Tab): Patch {
  return { tab: to === 'monitoring' ? null : to, page: null, trace: null, run: null, view: null }
}

/** warmTab asks for what the tab would show of the app. */
export function warmTab(app: string, to: Tab): void {
  const q = patched(params(), tabPatch(to))
  if (to === 'traces') warmList(app, q)
  else warmCharts(app, q)
}

/** openTab asks first and draws then: the answer comes while the browser draws. */
export function openTab(app: string, to: Tab): void {
  if (tabOf(params()) !== to) warmTab(app, to)
  setParams(tabPatch(to))
}

/** useWarmTab asks for what the other tab shows, once this one has been there for a moment. */
export function useWarmTab(app: string | null, open: Tab): void {
  useEffect(() => {
    if (app === null) return
    const timer = setTimeout(() => warmTab(app, open === 'traces' ? 'monitoring' : 'traces'), 400)
    return () => clearTimeout(timer)
  }, [app, open])
}
