// The configuration of a node for its table: metadata.node of Dynamiq, and what
// OTLP says of a call in metadata.gen_ai.
import { children, decode, get, kind, type Json } from './json'

/** A row of the table: the name, with dots where it stood in an object, and the value. */
export interface Setting {
  name: string
  value: Json
}

/** What is shown elsewhere: identity, the prompt, and the edges. */
const ELSEWHERE = new Set(['name', 'prompt', 'depends', 'messages'])

/** Objects of more members, and lists, stay whole. */
const FLAT = 12

/** The settings of a run; null and empty ones left out. */
export function settingsOf(metadata: Json | undefined): Setting[] {
  const out: Setting[] = []
  for (const from of [get(metadata, 'node'), get(metadata, 'gen_ai')]) {
    for (const c of children(from)) {
      const name = decode(c.name!)
      if (!ELSEWHERE.has(name)) add(out, name, c.value, 1)
    }
  }
  return out
}

function add(out: Setting[], name: string, value: Json, depth: number): void {
  const k = kind(value)
  if (k === 'null' || k === 'missing') return
  if (k === 'object' || k === 'array') {
    const kids = children(value, FLAT + 1)
    if (!kids.length) return
    const simple = kids.every((c) => !['object', 'array'].includes(kind(c.value)) || depth === 1)
    if (k === 'object' && kids.length <= FLAT && depth <= 2 && simple) {
      for (const c of kids) add(out, `${name}.${decode(c.name!)}`, c.value, depth + 1)
      return
    }
  }
  out.push({ name, value })
}

/** The message and the traceback of an error, whatever its shape. */
export function errorOf(error: Json | undefined): { message: string; traceback?: string; other?: Json } | undefined {
  if (!error || kind(error) === 'null' || kind(error) === 'missing') return undefined
  if (kind(error) === 'string') return { message: decode(error) }
  if (kind(error) !== 'object') return { message: '', other: error }
  const text = (name: string) => {
    const v = get(error, name)
    return v && kind(v) === 'string' ? decode(v) : undefined
  }
  const traceback = text('traceback') ?? text('stacktrace')
  const type = text('type')
  const message = text('message') ?? ''
  return {
    message: type && !message.includes(type) ? `${type}${message ? ': ' : ''}${message}` : message,
    // What Python prints where there is no exception.
    ...(traceback && traceback.trim() !== 'NoneType: None' ? { traceback } : {}),
    other: error,
  }
}
