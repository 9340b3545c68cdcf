// A lossless, lazy reader of JSON text. Values of users are never turned into
// doubles: a node is a piece of the text, and only what is shown is decoded.
//
// The text comes from the server, which checked it, so the scanner looks for
// the ends of values only. It may be the beginning of a value, cut anywhere:
// what reaches the end of the text unfinished is marked as cut.

/** What a value is, by its first character. */
export type Kind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | 'missing'

/** A value in a text. */
export interface Json {
  readonly text: string
  /** The first character of the value, and the one after its last. */
  readonly start: number
  readonly end: number
  /** The text ends before the value does. */
  readonly cut: boolean
}

/** A value in its container: by name in an object, by position in an array. */
export interface Child {
  /** The name, a string value; undefined in an array. */
  readonly name?: Json
  readonly value: Json
}

const QUOTE = 34
const BACKSLASH = 92

function isSpace(c: number): boolean {
  return c === 32 || c === 10 || c === 13 || c === 9
}

function skipSpace(text: string, i: number): number {
  while (i < text.length && isSpace(text.charCodeAt(i))) i++
  return i
}

/** The end of the string that begins at i; −1 where the text ends first. */
function stringEnd(text: string, i: number): number {
  for (let q = i + 1; ; q++) {
    q = text.indexOf('"', q)
    if (q < 0) return -1
    let slashes = 0
    while (text.charCodeAt(q - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return q + 1
  }
}

/** The end of the container that begins at i; −1 where the text ends first. */
function containerEnd(text: string, i: number): number {
  let depth = 0
  while (i < text.length) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      i = stringEnd(text, i)
      if (i < 0) return -1
      continue
    }
    i++
    if (c === 123 || c === 91) depth++
    else if ((c === 125 || c === 93) && --depth === 0) return i
  }
  return -1
}

/** The value that begins at or after i. */
export function valueAt(text: string, i = 0): Json {
  const start = skipSpace(text, i)
  const c = text.charCodeAt(start)
  let end: number
  if (c === QUOTE) end = stringEnd(text, start)
  else if (c === 123 || c === 91) end = containerEnd(text, start)
  else {
    end = start
    while (end < text.length && !isSpace(text.charCodeAt(end)) && !',]}:'.includes(text[end]!)) end++
  }
  return { text, start, end: end < 0 ? text.length : end, cut: end < 0 }
}

/**
 * The value whose text that is; partial says that more text follows, so that a
 * number or word at the very end may be unfinished too.
 */
export function parse(text: string, partial = false): Json {
  const v = valueAt(text)
  return partial && v.end === text.length ? { ...v, cut: true } : v
}

/** What kind of value that is; missing for undefined and for no text. */
export function kind(v: Json | undefined): Kind {
  switch (v?.text[v.start]) {
    case undefined:
      return 'missing'
    case '{':
      return 'object'
    case '[':
      return 'array'
    case '"':
      return 'string'
    case 't':
    case 'f':
      return 'boolean'
    case 'n':
      return 'null'
    default:
      return 'number'
  }
}

/** The value as it was sent. */
export function raw(v: Json): string {
  return v.start === 0 && v.end === v.text.length ? v.text : v.text.slice(v.start, v.end)
}

/** The children of a container in order, at most limit of them; none of anything else. */
export function children(v: Json | undefined, limit = Infinity): Child[] {
  const out: Child[] = []
  const k = kind(v)
  if (!v || (k !== 'object' && k !== 'array')) return out
  let i = v.start + 1
  while (out.length < limit) {
    i = skipSpace(v.text, i)
    if (v.text[i] === ',') i = skipSpace(v.text, i + 1)
    if (i >= v.end || v.text[i] === '}' || v.text[i] === ']') break
    let name: Json | undefined
    if (k === 'object') {
      name = valueAt(v.text, i)
      i = skipSpace(v.text, name.end)
      if (name.cut || v.text[i] !== ':' || skipSpace(v.text, i + 1) >= v.end) break
      i++
    }
    let value = valueAt(v.text, i)
    if (v.cut && value.end === v.text.length) value = { ...value, cut: true }
    if (value.end === value.start) break
    out.push(name ? { name, value } : { value })
    i = value.end
  }
  return out
}

/** How many children a container has in its text. */
export function count(v: Json): number {
  return children(v).length
}

/** The member of an object; undefined where it has none, or is null. */
export function get(v: Json | undefined, ...path: string[]): Json | undefined {
  for (const name of path) {
    if (kind(v) !== 'object') return undefined
    v = children(v).find((c) => c.name && decode(c.name) === name)?.value
  }
  return kind(v) === 'null' || kind(v) === 'missing' ? undefined : v
}

/** The elements of an array; none of anything else. */
export function items(v: Json | undefined): Json[] {
  return kind(v) === 'array' ? children(v).map((c) => c.value) : []
}

/** The length of a string in its text, escapes as they were sent. */
export function rawLength(v: Json): number {
  return Math.max(0, v.end - v.start - (v.cut ? 1 : 2))
}

/** Takes from the end of the inside of a JSON string what is not a whole escape. */
function wholeEscapes(inside: string): string {
  let slashes = 0
  while (slashes < inside.length && inside.charCodeAt(inside.length - 1 - slashes) === BACKSLASH) slashes++
  if (slashes % 2) return inside.slice(0, -1)
  const unicode = /(^|[^\\])(\\\\)*\\u[0-9a-fA-F]{0,3}$/.exec(inside.slice(-16))
  return unicode ? inside.slice(0, inside.lastIndexOf('\\u')) : inside
}

/**
 * The text that a string value stands for, or its first max characters (of the
 * escaped form). Anything else is given as it was sent.
 */
export function decode(v: Json, max = Infinity): string {
  if (kind(v) !== 'string') return raw(v).slice(0, max)
  const to = Math.min(v.start + 1 + max, v.cut ? v.end : v.end - 1)
  const whole = to === v.end - 1 && !v.cut
  const inside = v.text.slice(v.start + 1, to)
  const safe = whole ? inside : wholeEscapes(inside)
  if (!safe.includes('\\')) return safe
  try {
    return JSON.parse(`"${safe}"`) as string
  } catch {
    return safe // not the JSON that a server sends: better as it is than not at all
  }
}

/** The text of a string member; undefined where it is not a string. */
export function str(v: Json | undefined): string | undefined {
  return v && kind(v) === 'string' ? decode(v) : undefined
}

/** The number of a value that is known to be a small one; undefined where it is none. */
export function num(v: Json | undefined): number | undefined {
  return v && kind(v) === 'number' ? Number(raw(v)) : undefined
}

/** The same value with line breaks and two spaces of indentation, every digit kept. */
export function pretty(v: Json): string {
  const out: string[] = []
  const text = v.text
  let depth = 0
  for (let i = v.start; i < v.end;) {
    const c = text[i]!
    if (c === '"') {
      const end = stringEnd(text, i)
      out.push(text.slice(i, end < 0 ? v.end : end))
      if (end < 0) break
      i = end
      continue
    }
    i++
    if (c === '{' || c === '[') {
      const next = skipSpace(text, i)
      if (text[next] === '}' || text[next] === ']') {
        out.push(c, text[next]!)
        i = next + 1
      } else out.push(c, '\n', '  '.repeat(++depth))
    } else if (c === '}' || c === ']') out.push('\n', '  '.repeat(Math.max(0, --depth)), c)
    else if (c === ',') out.push(c, '\n', '  '.repeat(depth))
    else if (c === ':') out.push(': ')
    else if (!isSpace(c.charCodeAt(0))) out.push(c)
  }
  return out.join('')
}
