// Exports as large as they come: JSON lines are read as they arrive, goes on
// behind where the server cuts, and are handed to a file. Trailers cannot be
// read in browsers, so the last line of each answer says how it ended.
import { ApiError, call, path, type Query } from '../api'
import type { Sink } from './sink'

export interface ExportOptions {
  app: string
  filter: Query
  includeRuns: boolean
  format: 'json' | 'jsonl'
  signal: AbortSignal
  /** Traces and bytes that were written so far. */
  onProgress(count: number, bytes: number): void
}

interface Summary {
  complete: boolean
  count: number
  next_cursor: string | null
}

const newline = 10

/**
 * Lines takes bytes as they come and gives blocks of whole lines; the last
 * line is kept back, since it is the summary.
 */
export class Lines {
  private held: Uint8Array<ArrayBuffer>[] = []
  private pending: Uint8Array<ArrayBuffer>[] = []

  /** push gives what is known not to be the last line. */
  push(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const out: Uint8Array<ArrayBuffer>[] = []
    if (chunk.length === 0) return out
    out.push(...this.held)
    this.held = []
    const end = chunk.lastIndexOf(newline) + 1
    if (end > 0) {
      const start = end === 1 ? 0 : chunk.lastIndexOf(newline, end - 2) + 1
      const last = chunk.subarray(start, end)
      if (start > 0) {
        out.push(...this.pending, chunk.subarray(0, start))
        this.pending = []
      }
      this.held = [...this.pending, last]
      this.pending = []
    }
    if (end < chunk.length) {
      out.push(...this.held)
      this.held = []
      this.pending.push(chunk.subarray(end))
    }
    return out
  }

  /** last is the last line, null when the stream broke off inside of one. */
  async last(): Promise<string | null> {
    return this.pending.length > 0 || this.held.length === 0 ? null : new Blob(this.held).text()
  }
}

/** countLines counts line ends. */
export function countLines(bytes: Uint8Array): number {
  let n = 0
  for (let i = bytes.indexOf(newline); i >= 0; i = bytes.indexOf(newline, i + 1)) n++
  return n
}

const comma = new Uint8Array([44, newline])

/** ArrayWriter makes one JSON array of lines. A line end is only written once the next line is there, behind a comma. */
export class ArrayWriter {
  private open = false
  private owed = false

  constructor(private readonly to: Sink) {}

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.open) {
      this.open = true
      await this.to.write(new TextEncoder().encode('[\n'))
    }
    let from = 0
    for (let i = bytes.indexOf(newline); i >= 0; i = bytes.indexOf(newline, from)) {
      await this.owe()
      await this.to.write(bytes.subarray(from, i))
      this.owed = true
      from = i + 1
    }
    if (from < bytes.length) {
      await this.owe()
      await this.to.write(bytes.subarray(from))
    }
  }

  async end(): Promise<void> {
    await this.to.write(new TextEncoder().encode(this.open ? '\n]\n' : '[]\n'))
  }

  private async owe(): Promise<void> {
    if (!this.owed) return
    this.owed = false
    await this.to.write(comma)
  }
}

/** exportTraces writes everything that matches to the sink and gives the number of traces. */
export async function exportTraces(opt: ExportOptions, sink: Sink): Promise<number> {
  const array = opt.format === 'json' ? new ArrayWriter(sink) : null
  const to: Sink = array ?? sink
  let written = 0
  let size = 0
  let cursor: string | null = null
  do {
    const part: Summary = await download(opt, cursor, async (bytes) => {
      await to.write(bytes)
      written += countLines(bytes)
      size += bytes.length
      opt.onProgress(written, size)
    })
    if (!part.complete && (part.next_cursor === null || part.count === 0)) throw broken(written)
    cursor = part.complete ? null : part.next_cursor
  } while (cursor !== null)
  await array?.end()
  return written
}

async function download(opt: ExportOptions, cursor: string | null, write: (b: Uint8Array<ArrayBuffer>) => Promise<void>): Promise<Summary> {
  const query: Query = { ...opt.filter, format: 'jsonl', summary: true, include_runs: opt.includeRuns, cursor }
  const res = await call(path('v1', 'apps', opt.app, 'traces', 'download'), { query, signal: opt.signal })
  if (!res.body) throw broken(0)
  const reader = res.body.getReader()
  const lines = new Lines()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      for (const block of lines.push(value)) await write(block)
    }
  } catch (err) {
    // What cannot be written says so itself.
    if (opt.signal.aborted || err instanceof ApiError) throw err
    throw broken(null)
  } finally {
    reader.cancel().catch(() => undefined)
  }
  const last = await lines.last()
  const summary = last === null ? null : (JSON.parse(last) as { summary?: Summary }).summary
  if (!summary) throw broken(null)
  return summary
}

function broken(count: number | null): ApiError {
  return new ApiError(0, 'network', `The export broke off${count ? ` after ${count} traces` : ''}; nothing was saved.`)
}
