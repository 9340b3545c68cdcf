// Values of users, fetched in part first: a run with its long values cut, then
// as much of a value as the reader asks for.
import { call, path, text } from '../api'
import { children, decode, get, kind, parse, type Json } from './json'

/** The values of a trace or a run that can be long. */
export type Field = 'input' | 'output' | 'error' | 'metadata'

/** A value, or its beginning. */
export interface Value {
  json: Json
  /** There is more than was fetched. */
  partial: boolean
}

/** How much of a value is fetched at first, on the first and on the second wish for more, in bytes. */
export const STEPS = [64 << 10, 1 << 20, 8 << 20] as const

/** A run or a trace as it was fetched. */
export interface Doc {
  /** The whole object, long values cut. */
  json: Json
  member(name: string): Json | undefined
  /** A value and whether it was cut; the same object each time. */
  value(field: Field): Value | undefined
}

/** Reads the {"data": …} of one run or trace. */
export function docOf(body: string): Doc {
  const json = get(parse(body), 'data') ?? parse('{}')
  const members = new Map<string, Json>()
  for (const c of children(json)) members.set(decode(c.name!), c.value)
  const member = (name: string) => {
    const v = members.get(name)
    return v && kind(v) !== 'null' ? v : undefined
  }
  const values = new Map<Field, Value>()
  for (const field of ['input', 'output', 'error', 'metadata'] as const) {
    const v = members.get(field)
    if (v) values.set(field, { json: v, partial: kind(members.get(`${field}_truncated`)) === 'boolean' })
  }
  return {
    json,
    member,
    value: (field) => values.get(field),
  }
}

/** The path of a trace, or of one of its runs. */
export function pathOf(app: string, trace: string, run: string | null, ...more: string[]): string {
  return path('v1', 'apps', app, 'traces', trace, ...(run === null ? [] : ['runs', run]), ...more)
}

/** Fetches a run, or a trace where run is null, with its long values cut. */
export async function fetchDoc(app: string, trace: string, run: string | null, signal: AbortSignal): Promise<Doc> {
  return docOf(await text(pathOf(app, trace, run), { query: { preview: STEPS[0] }, signal }))
}

/**
 * Fetches the beginning of a value: the answer is read until there are so many
 * bytes, and then given up. A cut value is a string in a run, whatever it is:
 * only its own text tells a string from an object.
 */
export async function fetchValue(
  app: string,
  trace: string,
  run: string | null,
  field: Field,
  bytes: number,
  signal: AbortSignal,
): Promise<Value> {
  const res = await call(pathOf(app, trace, run, field), { signal })
  const { text: body, complete } = await readUpTo(res, bytes)
  return { json: parse(body, !complete), partial: !complete }
}

/** The text of a response up to about so many bytes, whole characters only. */
export async function readUpTo(res: Response, bytes: number): Promise<{ text: string; complete: boolean }> {
  const reader = res.body?.getReader()
  if (!reader) return { text: await res.text(), complete: true }
  const decoder = new TextDecoder()
  const parts: string[] = []
  for (let read = 0; ;) {
    const { done, value } = await reader.read()
    if (done) {
      parts.push(decoder.decode())
      return { text: parts.join(''), complete: true }
    }
    const room = bytes - read
    parts.push(decoder.decode(value.length > room ? value.subarray(0, room) : value, { stream: true }))
    read += value.length
    if (read > bytes) {
      void reader.cancel()
      return { text: parts.join(''), complete: false }
    }
  }
}

/** Saves a whole value as a file, as the server sends it. */
export async function download(app: string, trace: string, run: string | null, field: Field): Promise<void> {
  const res = await call(pathOf(app, trace, run, field))
  saveBlob(await res.blob(), `${run ?? trace}-${field}.json`)
}

/** Saves a blob under a name; characters that file systems refuse become dashes. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const a = document.createElement('a')
  a.href = url
  // eslint-disable-next-line no-control-regex
  a.download = name.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]+/g, '-')
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
