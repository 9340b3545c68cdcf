// What the list asks the server, and the last answers to it.
import { path, text, type Query } from '../api'
import { Kept } from '../kept'
import { keyOf } from '../load'
import { zoneOf } from '../zonestate'
import { activeFilters, filterQuery, statusesOf } from './filters'
import { defaultSize } from './pages'
import { parsePage, type Page } from './rows'

export interface Listed {
  page: Page
  /** What was asked for, with the instants that it meant then. */
  filter: Query
  /** The answer as it came. */
  text: string
  /** The key of the question. */
  key: string
}

/** What of the address the list depends on. */
export interface ListState {
  /** The path of the call. */
  at: string
  zone: string
  page: number
  size: number
  sort: string
  key: string
}

export const lists = new Kept<Listed>(6)

export function listState(app: string, q: URLSearchParams): ListState {
  const zone = zoneOf(q)
  const n = Number(q.get('size') ?? defaultSize)
  const size = Number.isInteger(n) && n >= 1 && n <= 1000 ? n : defaultSize
  const page = Math.max(1, Number.parseInt(q.get('page') ?? '1', 10) || 1)
  const sort = q.get('sort') ?? '-started_at'
  const at = path('v1', 'apps', app, 'traces')
  return { at, zone, page, size, sort, key: keyOf(at, page, size, sort, zone, q.get('range'), q.get('from'), q.get('to'), statusesOf(q), activeFilters(q)) }
}

/** askList asks for a page. An answer equal to the kept one gives the same rows again. */
export async function askList(s: ListState, q: URLSearchParams, signal?: AbortSignal): Promise<Listed> {
  const filter = filterQuery(q, Date.now(), s.zone)
  const answer = await text(s.at, { query: { ...filter, sort: s.sort, page: s.page, page_size: s.size }, signal })
  const old = lists.get(s.key)
  const page = old?.text === answer ? old.page : parsePage(answer, old?.page)
  return { page, filter, text: answer, key: s.key }
}

/** warmList asks for what the tab would show, ahead of showing it. */
export function warmList(app: string, q: URLSearchParams): void {
  const s = listState(app, q)
  lists.warm(s.key, () => askList(s, q))
}
