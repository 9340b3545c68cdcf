// The messages of a call to a model, from wherever its format keeps them:
// - Dynamiq: metadata.node.prompt.messages, {role, content, tool_calls}, the
//   rendered prompt; the answer is output {content, tool_calls};
// - OTLP: metadata.gen_ai.messages {input, output}, or input and output
//   themselves, in the uniform form {role, parts} that the server keeps.
// Both forms of a message are read wherever one stands.

import { children, decode, get, items, kind, parse, raw, str, type Json } from './json'

/** A piece of a message. */
export type Part =
  | { kind: 'text' | 'reasoning' | 'json'; value: Json }
  | { kind: 'image'; url: string; cut: boolean }
  | { kind: 'call'; id?: string; name: string; args?: Json }
  | { kind: 'result'; id?: string; value: Json }

/** A message; side says whether the model read or wrote it. */
export interface Message {
  role: string
  name?: string
  side: 'input' | 'output'
  parts: Part[]
  finish?: string
}

/** A conversation, with the tools and the response format that were offered to the model. */
export interface Conversation {
  messages: Message[]
  tools?: Json
  format?: Json
  /** The text ended before the messages did. */
  cut: boolean
}

/** The values of a run that messages can be in. */
export interface RunValues {
  metadata?: Json | undefined
  input?: Json | undefined
  output?: Json | undefined
}

/** The conversation of a run; undefined where it has none. */
export function conversationOf(run: RunValues): Conversation | undefined {
  const prompt = get(run.metadata, 'node', 'prompt')
  const sent = get(prompt, 'messages')
  if (kind(sent) === 'array') {
    const messages = messagesOf(sent, 'input')
    const answer = answerOf(run.output)
    if (answer) messages.push(answer)
    return withExtras({ messages, cut: isCut(run.metadata, sent) }, get(prompt, 'tools'), get(prompt, 'response_format'))
  }
  const uniform = get(run.metadata, 'gen_ai', 'messages')
  const input = firstList(get(uniform, 'input'), run.input)
  const output = firstList(get(uniform, 'output'), run.output)
  const messages = [...messagesOf(input, 'input'), ...messagesOf(output, 'output')]
  if (!messages.length) return undefined
  return withExtras({ messages, cut: isCut(input) || isCut(output) }, get(run.metadata, 'gen_ai', 'tools'))
}

function withExtras(c: Conversation, tools?: Json, format?: Json): Conversation {
  if (tools) c.tools = tools
  if (format) c.format = format
  return c
}

function isCut(...values: (Json | undefined)[]): boolean {
  return values.some((v) => v?.cut)
}

/** The first value that is a list of messages. */
function firstList(...values: (Json | undefined)[]): Json | undefined {
  return values.find((v) => {
    const first = v && kind(v) === 'array' ? children(v, 1)[0]?.value : undefined
    return str(get(first, 'role')) !== undefined && (get(first, 'parts') ?? get(first, 'content') ?? get(first, 'tool_calls'))
  })
}

function messagesOf(list: Json | undefined, side: Message['side']): Message[] {
  return items(list)
    .filter((m) => kind(m) === 'object')
    .map((m) => messageOf(m, side))
}

function messageOf(m: Json, side: Message['side']): Message {
  const message: Message = { role: str(get(m, 'role')) ?? (side === 'output' ? 'assistant' : 'user'), side, parts: [] }
  const name = str(get(m, 'name'))
  if (name) message.name = name
  const finish = str(get(m, 'finish_reason'))
  if (finish) message.finish = finish
  const thought = get(m, 'reasoning_content')
  if (thought) message.parts.push({ kind: 'reasoning', value: thought })
  const parts = get(m, 'parts')
  const answered = str(get(m, 'tool_call_id'))
  const content = get(m, 'content')
  if (kind(parts) === 'array') message.parts.push(...items(parts).map(partOf))
  else if (answered && content) message.parts.push({ kind: 'result', id: answered, value: content })
  else message.parts.push(...contentOf(content))
  message.parts.push(...callsOf(get(m, 'tool_calls')))
  return message
}

/** What a Dynamiq model run gave: {content, tool_calls}; of any other shape the whole value. */
function answerOf(output: Json | undefined): Message | undefined {
  if (!output || kind(output) === 'null' || kind(output) === 'missing') return undefined
  const message: Message = { role: 'assistant', side: 'output', parts: [] }
  if (kind(output) === 'object') {
    const thought = get(output, 'reasoning_content')
    if (thought) message.parts.push({ kind: 'reasoning', value: thought })
    message.parts.push(...contentOf(get(output, 'content')), ...callsOf(get(output, 'tool_calls')))
  }
  if (!message.parts.length)
    message.parts.push(kind(output) === 'string' ? { kind: 'text', value: output } : { kind: 'json', value: output })
  return message
}

/** The parts of a content: a text, one part, or a list of parts. */
function contentOf(content: Json | undefined): Part[] {
  switch (kind(content)) {
    case 'missing':
    case 'null':
      return []
    case 'string':
      return [{ kind: 'text', value: content! }]
    case 'array':
      return items(content).map(partOf)
    default:
      return [partOf(content!)]
  }
}

function partOf(part: Json): Part {
  if (kind(part) === 'string') return { kind: 'text', value: part }
  const type = str(get(part, 'type')) ?? ''
  const text = get(part, 'text') ?? get(part, 'content') ?? get(part, 'thinking')
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      if (text) return { kind: kind(text) === 'string' ? 'text' : 'json', value: text }
      break
    case 'reasoning':
    case 'thinking':
      if (text) return { kind: kind(text) === 'string' ? 'reasoning' : 'json', value: text }
      break
    case 'tool_call':
    case 'tool_use':
      return callOf(part)
    case 'tool_call_response':
    case 'tool_result': {
      const value = get(part, 'response') ?? get(part, 'result') ?? get(part, 'content')
      const id = str(get(part, 'id') ?? get(part, 'tool_use_id'))
      if (value) return { kind: 'result', value, ...(id === undefined ? {} : { id }) }
      break
    }
    default: {
      const image = imageOf(part, type)
      if (image) return image
    }
  }
  return { kind: 'json', value: part }
}

/** An image in any of the shapes of the common SDKs; undefined for other parts. */
function imageOf(part: Json, type: string): Part | undefined {
  const link = get(part, 'image_url') ?? get(part, 'image') ?? get(part, 'uri')
  const url = kind(link) === 'object' ? get(link, 'url') : link
  if (url && kind(url) === 'string' && /image|uri|^$/.test(type)) return { kind: 'image', url: decode(url), cut: url.cut }
  const source = kind(get(part, 'source')) === 'object' ? get(part, 'source') : part
  const mime = str(get(source, 'media_type') ?? get(source, 'mime_type'))
  const data = get(source, 'data') ?? get(source, 'content')
  if (!mime?.startsWith('image/') || !data || kind(data) !== 'string') return undefined
  return { kind: 'image', url: `data:${mime};base64,${decode(data)}`, cut: data.cut }
}

function callsOf(calls: Json | undefined): Part[] {
  // Dynamiq agents keep calls in an object by id in some versions.
  return (kind(calls) === 'object' ? children(calls).map((c) => c.value) : items(calls)).map(callOf)
}

function callOf(call: Json): Part {
  const inner = kind(get(call, 'function')) === 'object' ? get(call, 'function') : call
  let args = get(inner, 'arguments') ?? get(inner, 'args') ?? get(inner, 'input')
  if (args && kind(args) === 'string') args = structured(args)
  const id = str(get(call, 'id'))
  return {
    kind: 'call',
    name: str(get(inner, 'name')) ?? 'unnamed tool',
    ...(id === undefined ? {} : { id }),
    ...(args ? { args } : {}),
  }
}

/** The JSON that a string holds, as arguments of tools do; the string itself where it is none. */
function structured(v: Json): Json {
  const text = decode(v)
  if (!/^\s*[{[]/.test(text)) return v
  try {
    JSON.parse(text)
  } catch {
    return v
  }
  return parse(text, v.cut)
}

/** Images that may be shown: whole data: URLs of picture formats without scripts, of a size a tab can bear. */
export const MAX_IMAGE = 12 << 20

/** Why an image is not shown; empty for one that is. */
export function whyNoImage(url: string, cut: boolean): string {
  if (!/^data:image\/(png|jpe?g|gif|webp|avif|bmp);base64,/i.test(url)) {
    return url.startsWith('data:') ? 'of a format that is not shown' : 'at another address, which this page does not load'
  }
  if (cut) return 'not loaded whole'
  return url.length > MAX_IMAGE ? 'too large to be shown' : ''
}

/** The whole conversation as plain text, for the clipboard. */
export function plainText(c: Conversation): string {
  return c.messages
    .map((m) => {
      const lines = m.parts.map((p) => {
        switch (p.kind) {
          case 'image':
            return `[image ${p.url.slice(0, 40)}…]`
          case 'call':
            return `[call ${p.name} ${p.args ? raw(p.args) : ''}]`
          default:
            return decode(p.value)
        }
      })
      return `${m.role}:\n${lines.join('\n')}`
    })
    .join('\n\n')
}
