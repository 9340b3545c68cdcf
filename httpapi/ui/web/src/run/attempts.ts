// The attempts of a node: what its run's executions say.
import { parseTime } from './time'
import { get, items, str, type Json } from './json'

/** One attempt. */
export interface Attempt {
  status: string
  start?: string
  end?: string
  /** ms; undefined while it is open. */
  ms?: number
  error?: Json
  input?: Json
  output?: Json
}

/** The attempts of a run in the order they were sent. */
export function attemptsOf(executions: Json | undefined): Attempt[] {
  return items(executions).map((e) => {
    const start = str(get(e, 'start_time'))
    const end = str(get(e, 'end_time'))
    const a: Attempt = { status: str(get(e, 'status')) ?? 'running' }
    if (start) a.start = start
    if (end) a.end = end
    if (start && end) a.ms = Math.max(0, parseTime(end) - parseTime(start))
    for (const name of ['error', 'input', 'output'] as const) {
      const v = get(e, name)
      if (v) a[name] = v
    }
    return a
  })
}
