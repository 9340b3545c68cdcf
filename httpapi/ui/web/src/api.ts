// Calls of the server's API: paths, the token, errors, and the envelope
// {"data": …} of the contract.
import { session } from './session'

/** One value of a query parameter, or several for one that repeats. */
export type QueryValue = string | number | boolean | null | undefined | readonly string[]
export type Query = Readonly<Record<string, QueryValue>>

export interface CallOptions {
  query?: Query
  signal?: AbortSignal | undefined
  method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is: JSON text, for numbers that must keep every digit. */
  bodyText?: string
  headers?: Record<string, string>
  /** Overrides the token of the session, to try another one. */
  token?: string | null
}

export interface Pagination {
  page: number
  page_size: number
  page_count: number
  total_count: number
}

export interface Answer<T> {
  data: T
}

export interface ListAnswer<T> {
  data: T[]
  pagination: Pagination
  next_cursor: string | null
}

/** What went wrong with a call. `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Field of the request → what is wrong with it. */
    readonly details: Readonly<Record<string, string>> = {},
    /** Seconds to wait, from Retry-After. */
    readonly retryAfter: number | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

/** path joins segments, percent-encoded: path('v1','apps','a/b') = "v1/apps/a%2Fb". */
export function path(...segments: string[]): string {
  return segments.map(segment).join('/')
}

function segment(s: string): string {
  // Browsers take "." and ".." out of a path even when they are encoded.
  // No id of the API can be reached then, whatever is done here.
  return encodeURIComponent(s)
}

/** address is the absolute URL of a call, below whatever path the page has. */
export function address(p: string, query: Query = {}): string {
  const u = new URL(p, document.baseURI)
  u.search = encodeQuery(query)
  u.hash = ''
  return u.href
}

/** encodeQuery leaves out null, undefined and "". */
export function encodeQuery(query: Query): string {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue
    for (const v of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) q.append(name, v)
  }
  return q.toString()
}

/** call sends a request and gives the response when its status is good; throws ApiError (or the AbortError). */
export async function call(p: string, opt: CallOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { ...opt.headers }
  const token = opt.token === undefined ? session.token() : opt.token
  if (token) headers.Authorization = `Bearer ${token}`
  const init: RequestInit = {
    method: opt.method ?? 'GET',
    headers,
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    signal: opt.signal ?? null,
  }
  if (opt.body !== undefined || opt.bodyText !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = opt.bodyText ?? JSON.stringify(opt.body)
  }
  let res: Response
  try {
    res = await fetch(address(p, opt.query), init)
  } catch (err) {
    if (isAbort(err)) throw err
    throw new ApiError(0, 'network', 'The server cannot be reached. Is it running?')
  }
  if (res.ok || res.status === 304) return res
  const err = await readError(res)
  if (err.status === 401 && opt.token === undefined) session.rejected(err.message)
  throw err
}

/** json is call with the body parsed. For user payloads whose numbers must keep all digits, use text. */
export async function json<T>(p: string, opt: CallOptions = {}): Promise<T> {
  const res = await call(p, opt)
  try {
    return (await res.json()) as T
  } catch (err) {
    throw broken(err)
  }
}

/** text is call with the body as text. */
export async function text(p: string, opt: CallOptions = {}): Promise<string> {
  const res = await call(p, opt)
  try {
    return await res.text()
  } catch (err) {
    throw broken(err)
  }
}

function broken(err: unknown): unknown {
  if (isAbort(err)) return err
  return new ApiError(0, 'network', 'The answer of the server broke off. Try again.')
}

/** isAbort says that a call ended because its signal did. */
export function isAbort(err: unknown): boolean {
  return err instanceof DOMException && err.name === 'AbortError'
}

async function readError(res: Response): Promise<ApiError> {
  const wait = Number(res.headers.get('Retry-After') ?? '')
  const after = Number.isFinite(wait) && wait > 0 ? wait : null
  try {
    const body = (await res.json()) as { error?: { code?: string; message?: string; details?: Record<string, string> } }
    const e = body.error
    if (e?.message) return new ApiError(res.status, e.code ?? 'unknown', e.message, e.details ?? {}, after)
  } catch {
    // Not JSON: a proxy answered.
  }
  return new ApiError(res.status, 'unknown', `The server answered ${res.status} ${res.statusText}`.trim(), {}, after)
}
