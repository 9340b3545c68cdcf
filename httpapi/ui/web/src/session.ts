// The token that calls carry: where it comes from, where it is kept, and what
// the server says about it.
import { ApiError, json, type Answer } from './api'
import { store } from './store'
import type { SessionInfo } from './types'

const key = 'tracebed.token'

export type SessionState =
  | { kind: 'checking' }
  /** Nobody is signed in; reason says why, when there is more to say than that. */
  | { kind: 'out'; reason: string | null }
  | { kind: 'in'; info: SessionInfo }
  /** The server did not answer the question who we are. */
  | { kind: 'unknown'; error: ApiError }

const state = store<SessionState>({ kind: 'checking' })
let current: string | null = null

export const session = {
  state,
  token: (): string | null => current,

  /** start takes the token of the address (and strips it there) or the kept one, and asks the server about it. */
  async start(): Promise<void> {
    current = takeFromAddress() ?? read()
    await check(current)
  },

  /** retry asks again, after the server could not be reached. */
  async retry(): Promise<void> {
    await check(current)
  },

  /** signIn tries a token and keeps it when it is good; throws ApiError otherwise. */
  async signIn(token: string): Promise<void> {
    const info = await ask(token)
    current = token
    write(token)
    state.set({ kind: 'in', info })
  },

  signOut(reason: string | null = null): void {
    current = null
    write(null)
    state.set({ kind: 'out', reason })
  },

  /** rejected is called when the server refuses the token in use. */
  rejected(message: string): void {
    if (state.get().kind === 'in') session.signOut(explain(message))
  },

  /** can says whether the token holds a right. */
  can(right: 'write' | 'read' | 'admin'): boolean {
    const s = state.get()
    return s.kind === 'in' && s.info.rights.includes(right)
  },
}

function explain(message: string): string {
  return `You were signed out: ${message}. Sign in with a valid token; “tracebed token create” makes one.`
}

async function ask(token: string | null): Promise<SessionInfo> {
  return (await json<Answer<SessionInfo>>('v1/session', { token })).data
}

async function check(token: string | null): Promise<void> {
  state.set({ kind: 'checking' })
  try {
    const info = await ask(token)
    if (token) write(token)
    state.set({ kind: 'in', info })
  } catch (err) {
    const e = err instanceof ApiError ? err : new ApiError(0, 'unknown', String(err))
    if (e.status === 401) session.signOut(token ? explain(e.message) : null)
    else state.set({ kind: 'unknown', error: e })
  }
}

/** takeFromAddress reads #token=… (or ?token=…) and removes it from the address bar and the history. */
export function takeFromAddress(): string | null {
  const u = new URL(location.href)
  const hash = new URLSearchParams(u.hash.replace(/^#/, ''))
  const token = hash.get('token') ?? u.searchParams.get('token')
  if (token === null) return null
  hash.delete('token')
  u.searchParams.delete('token')
  u.hash = hash.toString()
  history.replaceState(null, '', u.href)
  return token.trim() || null
}

// Storage can be refused (private windows, policies): the token then lives as
// long as the page.
function read(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(token: string | null): void {
  try {
    if (token === null) localStorage.removeItem(key)
    else localStorage.setItem(key, token)
  } catch {
    return
  }
}
