// Answers of the API, as contract.md describes them.

export type TraceStatus = 'succeeded' | 'failed' | 'canceled' | 'running'

export const traceStatuses: readonly TraceStatus[] = ['succeeded', 'failed', 'canceled', 'running']

/** GET v1/session. */
export interface SessionInfo {
  auth: 'token' | 'off'
  name: string | null
  rights: ('write' | 'read' | 'admin')[]
  /** "*" = every app. */
  apps: '*' | string[]
  expires_at: string | null
  version: string
}

export interface AppInfo {
  id: string
  trace_count: number
  first_started_at: string | null
  last_started_at: string | null
}

/** Sums; null where nothing is known. Costs in USD. */
export interface Usage {
  prompt_tokens: number | null
  completion_tokens: number | null
  total_tokens: number | null
  prompt_tokens_cost_usd: number | null
  completion_tokens_cost_usd: number | null
  total_tokens_cost_usd: number | null
  /** Runs whose cost is unknown. */
  unpriced_count: number
}

/** A trace as lists give it. */
export interface TraceRow {
  id: string
  app_id: string
  name: string | null
  status: TraceStatus
  started_at: string
  ended_at: string | null
  duration_ms: number | null
  /** Any JSON value, or a preview string when input_truncated. */
  input: unknown
  input_truncated?: boolean
  output: unknown
  output_truncated?: boolean
  error: unknown
  usage: Usage
  run_count: number
  session_id: string | null
  user_id: string | null
  source_id: string | null
  tags: string[] | null
  metadata: unknown
  version: string | null
  environment: string | null
  models: string[] | null
  stale: boolean
  updated_at: string
}

/** Durations in ms over ended traces; null when there is none. */
export interface Durations {
  avg: number | null
  min: number | null
  max: number | null
  p50: number | null
  p90: number | null
  p95: number | null
  p99: number | null
}

export interface Stats {
  invocation_count: number
  success_count: number
  failure_count: number
  canceled_count: number
  running_count: number
  duration: Durations
  usage: Usage
}

export interface Metrics {
  summary: Stats
  series: { timestamp: string; metrics: Stats }[]
}
