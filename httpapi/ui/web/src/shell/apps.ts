// The apps that the token may see.
import { json, path, type ListAnswer } from '../api'
import { session } from '../session'
import type { AppInfo } from '../types'

export interface Apps {
  list: AppInfo[]
  /** There are more than were listed. */
  more: boolean
}

export async function loadApps(signal: AbortSignal): Promise<Apps> {
  const a = await json<ListAnswer<AppInfo>>(path('v1', 'apps'), { query: { page_size: 1000 }, signal })
  return { list: a.data, more: a.pagination.total_count > a.data.length }
}

/**
 * chooseApp is the app to show: the one of the address, the last one shown if
 * it is still there, the one with the newest trace; where there is none at
 * all, one that the token may write to.
 */
export function chooseApp(wanted: string | null, last: string | null, apps: readonly AppInfo[]): string {
  if (wanted) return wanted
  if (last !== null && apps.some((a) => a.id === last)) return last
  let best: AppInfo | null = null
  for (const a of apps) if (best === null || (a.last_started_at ?? '') > (best.last_started_at ?? '')) best = a
  if (best) return best.id
  const s = session.state.get()
  if (s.kind === 'in' && s.info.apps !== '*' && s.info.apps[0]) return s.info.apps[0]
  return 'default'
}

const key = 'tracebed.app'

export function lastApp(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function rememberApp(app: string): void {
  try {
    localStorage.setItem(key, app)
  } catch {
    return
  }
}
