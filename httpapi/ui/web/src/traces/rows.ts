// The answer of the list, with values of users kept as the text that came:
// doubles would lose digits of their numbers.
import type { Pagination } from '../api'
import { children, decode, kind, parse, raw, type Json } from '../run/json'
import type { TraceRow } from '../types'

/** A value of a user, as JSON text. */
export interface UserValue {
  text: string
  /** text is a JSON string with the beginning only. */
  truncated: boolean
}

export type Row = Omit<TraceRow, 'input' | 'output' | 'error' | 'metadata' | 'input_truncated' | 'output_truncated'> & {
  input: UserValue
  output: UserValue
  error: UserValue
}

export interface Page {
  rows: Row[]
  pagination: Pagination
}

const valuesOfUsers = new Set(['input', 'output', 'error', 'metadata'])

function members(v: Json): Map<string, Json> {
  const out = new Map<string, Json>()
  for (const c of children(v)) if (c.name) out.set(decode(c.name), c.value)
  return out
}

/** parseRow reads one trace object. */
export function parseRow(v: Json): Row {
  const out: Record<string, unknown> = {}
  const all = members(v)
  for (const [name, value] of all) if (!valuesOfUsers.has(name)) out[name] = JSON.parse(raw(value))
  for (const name of ['input', 'output', 'error']) {
    const value = all.get(name)
    out[name] = { text: value ? raw(value) : 'null', truncated: out[`${name}_truncated`] === true } satisfies UserValue
  }
  return out as unknown as Row
}

export function parsePage(text: string): Page {
  const top = members(parse(text))
  const data = top.get('data')
  const pagination = top.get('pagination')
  if (!data || !pagination) throw new Error('not an answer of the API')
  return { rows: children(data).map((c) => parseRow(c.value)), pagination: JSON.parse(raw(pagination)) as Pagination }
}

/** glance is the beginning of a value on one line; "" for null. */
export function glance(v: UserValue, max = 400): string {
  const j = parse(v.text)
  switch (kind(j)) {
    case 'null':
    case 'missing':
      return ''
    case 'string':
      return decode(j, max)
    default:
      return v.text.slice(0, max)
  }
}
