// The state of the page that an address holds: everything that a link to what
// is on screen needs. It lives in the query of the address, so that the page
// works below any path and the server has one page to give.
//
//   app, tab (traces; monitoring when absent), tz
//   range (14d, …) or from + to (RFC 3339), by (hour, day, week, month)
//   page, size, cols, sort, and each filter under its name in the API
//   trace (opens the run sheet), run, view (graph, tree, timeline, …)
import { store, useStore } from './store'

export type Patch = Readonly<Record<string, string | readonly string[] | null>>

const address = store(location.search)

/** params is the state now. Do not change it; use setParams. */
export function params(): URLSearchParams {
  return new URLSearchParams(address.get())
}

/** useParams gives the state and renders again when it changes. */
export function useParams(): URLSearchParams {
  return new URLSearchParams(useStore(address))
}

/** patched is q with the patch applied: null removes, a list repeats. */
export function patched(q: URLSearchParams, patch: Patch): URLSearchParams {
  const next = new URLSearchParams(q)
  for (const [name, value] of Object.entries(patch)) {
    next.delete(name)
    if (value === null) continue
    for (const v of typeof value === 'string' ? [value] : value) next.append(name, v)
  }
  return next
}

/**
 * setParams changes the state. A change that a reader would want to undo with
 * the back button makes an entry of the history; replace makes none.
 */
export function setParams(patch: Patch, opt: { replace?: boolean } = {}): void {
  const search = searchText(patched(params(), patch))
  if (search === address.get()) return
  const url = location.pathname + search + location.hash
  if (opt.replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  address.set(search)
}

/** hrefOf is the address of the page with the patch applied, for real links. */
export function hrefOf(patch: Patch): string {
  return location.pathname + searchText(patched(params(), patch))
}

function searchText(q: URLSearchParams): string {
  // Times hold colons and lists commas, which need no escape in a query.
  const s = q.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')
  return s ? '?' + s : ''
}

export function startState(): void {
  address.set(location.search)
  addEventListener('popstate', () => address.set(location.search))
}
