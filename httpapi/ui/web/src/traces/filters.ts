// The filters of a list: those of the API, read from its own description, so
// that a filter that the server learns shows up here.
import { json, type Query } from '../api'
import { filterOf, rangeOf, startedAt } from '../range'

export interface FilterDef {
  /** Name of the parameter, such as duration_ms:gte. */
  name: string
  label: string
  type: 'text' | 'number' | 'boolean'
  /** Takes several values. */
  list: boolean
  hint: string
}

/** Parameters of the list call that the page has other controls for. */
const taken = new Set([
  'status', 'started_at:gte', 'started_at:gt', 'started_at:lte', 'started_at:lt',
  'page', 'page_size', 'cursor', 'sort', 'preview',
])

interface Parameter {
  name: string
  in: string
  description?: string
  schema?: { type?: string; items?: { type?: string } }
}

interface Description {
  paths: Record<string, { get?: { parameters?: Parameter[] } }>
}

const labels: Record<string, string> = {
  q: 'Words', session_id: 'Session', user_id: 'User', name: 'Name', model: 'Model', tag: 'Tag', version: 'Version',
  environment: 'Environment', has_error: 'Has an error', 'duration_ms:gte': 'Duration at least (ms)', 'duration_ms:lte': 'Duration at most (ms)',
  'cost_usd:gte': 'Cost at least (USD)', 'cost_usd:lte': 'Cost at most (USD)', 'total_tokens:gte': 'Tokens at least', 'total_tokens:lte': 'Tokens at most',
}

/** filtersOf are the filters in a description (OpenAPI) of the API. */
export function filtersOf(doc: Description): FilterDef[] {
  const list = doc.paths['/v1/apps/{app_id}/traces']?.get?.parameters ?? []
  return list
    .filter((p) => p.in === 'query' && !taken.has(p.name))
    .map((p) => {
      const many = p.schema?.type === 'array'
      const type = (many ? p.schema?.items?.type : p.schema?.type) ?? 'string'
      return {
        name: p.name,
        label: labels[p.name] ?? p.name,
        type: type === 'boolean' ? 'boolean' : type === 'integer' || type === 'number' ? 'number' : 'text',
        list: many,
        hint: p.description ?? '',
      }
    })
}

let description: Promise<FilterDef[]> | null = null

export function loadFilters(): Promise<FilterDef[]> {
  description ??= json<Description>('openapi.json', { token: null }).then(filtersOf)
  description.catch(() => (description = null))
  return description
}

/** Names of the address that are no filters. */
const own = new Set(['app', 'tab', 'tz', 'range', 'from', 'to', 'by', 'lat', 'page', 'size', 'sort', 'cols', 'trace', 'run', 'view'])

/** activeFilters are the filters that the address holds, status aside: [name, value]. */
export function activeFilters(q: URLSearchParams): [string, string][] {
  return [...q].filter(([name, value]) => !own.has(name) && name !== 'status' && value !== '')
}

export function statusesOf(q: URLSearchParams): string[] {
  return [...new Set(q.getAll('status').flatMap((s) => s.split(',')).filter(Boolean))]
}

/** filterQuery is what the address filters by, as parameters of list and download; unknown ones too, which the server names in its answer. */
export function filterQuery(q: URLSearchParams, now: number, zone: string): Query {
  const out: Record<string, string | null | string[]> = { ...startedAt(filterOf(rangeOf(q), now, zone)) }
  const statuses = statusesOf(q)
  if (statuses.length > 0) out.status = statuses
  for (const [name, value] of activeFilters(q)) {
    const had = out[name]
    out[name] = Array.isArray(had) ? [...had, value] : [value]
  }
  return out
}
