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
  /** The JSON of the row, to tell whether it changed. */
  source: string
}

export interface Page {
  rows: readonly Row[]
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
  out.source = raw(v)
  return out as unknown as Row
}

/** parsePage reads an answer; rows that are as they were in old stay the same objects, which need not be drawn again. */
export function parsePage(text: string, old?: Page): Page {
  const top = members(parse(text))
  const data = top.get('data')
  const pagination = top.get('pagination')
  if (!data || !pagination) throw new Error('not an answer of the API')
  const known = new Map(old?.rows.map((r) => [r.source, r]))
  return { rows: children(data).map((c) => known.get(raw(c.value)) ?? parseRow(c.value)), pagination: JSON.parse(raw(pagination)) as Pagination }
}

/** Ids of nodes are the keys of a workflow's output and say nothing to people. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * glance is the beginning of a value for one line: texts as they are, objects
 * as "name: value · name: value" without what is null. "" for null.
 */
export function glance(v: UserValue, max = 400): string {
  const j = parse(v.text)
  if (kind(j) === 'missing' || kind(j) === 'null') return ''
  // A preview of an object is a string with the beginning of its text.
  if (kind(j) === 'string') {
    const text = decode(j, max)
    if (!v.truncated || !/^\s*[[{]/.test(text)) return text
    const inner = parse(decode(j, max * 8), true)
    return kind(inner) === 'missing' ? text : brief(inner, max) || text
  }
  return brief(j, max) || v.text
}

function brief(v: Json, max: number, depth = 0): string {
  const k = kind(v)
  if (k === 'string') return decode(v, max)
  if (k !== 'object' && k !== 'array') return raw(v)
  if (depth > 6) return raw(v).slice(0, max)
  let out = ''
  const all = children(v, 40)
  // What a node of a workflow gave is under "output", beside its input.
  const result = all.find((c) => c.name && decode(c.name, 7) === 'output' && kind(c.value) !== 'null')
  if (result) return brief(result.value, max, depth + 1)
  for (const c of all) {
    if (out.length >= max) break
    if (kind(c.value) === 'null') continue
    const value = brief(c.value, max - out.length, depth + 1)
    if (value === '') continue
    const name = c.name ? decode(c.name, 80) : ''
    out += (out ? (k === 'array' ? ', ' : ' · ') : '') + (name && !uuid.test(name) ? `${name}: ` : '') + value
  }
  return out
}
