// Runs for tests.
import type { Run } from './forest'

const at = (ms: number) => new Date(Date.UTC(2026, 5, 10) + ms).toISOString()

/** A run from start to end ms, under a parent. */
export function run(id: string, parent: string | null, start: number, end: number | null, more: Partial<Run> = {}): Run {
  const r: Run = { id, type: 'node', status: end === null ? 'running' : 'succeeded', start_time: at(start), ...more }
  if (parent !== null) r.parent_run_id = parent
  if (end !== null) r.end_time = at(end)
  return r
}
