// Where an export goes: straight to a file on disk where the browser lets a
// page write one (Chromium, on https and on this machine), else into memory
// until it is whole.
import { ApiError } from '../api'
import { save, safeName } from '../save'

/** Takes the bytes of an export in order. */
export interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void
}

/** A sink that ends as a file of the reader. */
export interface FileSink extends Sink {
  /** Finishes the file and gives its name. */
  close(): Promise<string>
  /** Leaves no part of it behind. */
  discard(): Promise<void>
}

/** What the page uses of the File System Access API, which TypeScript does not know yet. */
interface SaveHandle {
  name: string
  getFile(): Promise<File>
  createWritable(): Promise<{ write(data: Blob): Promise<void>; close(): Promise<void>; abort(): Promise<void> }>
  remove?(): Promise<void>
}
type Picker = (options: { suggestedName: string; types: { accept: Record<string, string[]> }[] }) => Promise<SaveHandle>

function picker(): Picker | undefined {
  return (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker
}

/** streams says whether exports go straight to disk. */
export function streams(): boolean {
  return picker() !== undefined
}

/** What is kept in memory at most, in bytes: with more, tabs of browsers end. */
export const memoryLimit = 1 << 30

/**
 * openSink asks the reader for a file, where that can be; call it while the
 * browser still counts a click. Throws an AbortError when the reader closes
 * the question.
 */
export async function openSink(name: string, mime: string): Promise<FileSink> {
  const pick = picker()?.bind(globalThis)
  if (!pick) return new BlobSink(name, mime)
  const handle = await pick({ suggestedName: safeName(name), types: [{ accept: { [mime]: [name.slice(name.lastIndexOf('.'))] } }] })
  try {
    return new DiskSink(handle, await handle.createWritable())
  } catch (err) {
    throw unwritable(handle.name, err)
  }
}

function unwritable(name: string, err: unknown): ApiError {
  const why = err instanceof Error ? err.message : String(err)
  return new ApiError(0, 'file', `${name} could not be written: ${why}. Make room on the disk, or choose another place.`)
}

/** Writes of one line each would ask the browser once a line. */
const block = 1 << 20

/** DiskSink writes a file in blocks. The browser puts it in place when it is closed. */
export class DiskSink implements FileSink {
  private parts: BlobPart[] = []
  private size = 0

  constructor(
    private readonly handle: SaveHandle,
    private readonly file: Awaited<ReturnType<SaveHandle['createWritable']>>,
  ) {}

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.parts.push(bytes)
    this.size += bytes.length
    if (this.size >= block) await this.flush()
  }

  async close(): Promise<string> {
    await this.flush()
    await this.file.close().catch((err: unknown) => {
      throw unwritable(this.handle.name, err)
    })
    return this.handle.name
  }

  async discard(): Promise<void> {
    await this.file.abort().catch(() => undefined)
    // The question made an empty file where there was none.
    try {
      if ((await this.handle.getFile()).size === 0) await this.handle.remove?.()
    } catch {
      return
    }
  }

  private async flush(): Promise<void> {
    const all = new Blob(this.parts)
    this.parts = []
    this.size = 0
    await this.file.write(all).catch((err: unknown) => {
      throw unwritable(this.handle.name, err)
    })
  }
}

/** BlobSink gathers bytes up to a limit and gives them to the browser as a download. */
export class BlobSink implements FileSink {
  private parts: BlobPart[] = []
  private size = 0
  private total = 0

  constructor(
    private readonly name: string,
    private readonly mime: string,
    private readonly limit = memoryLimit,
  ) {}

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.total += bytes.length
    if (this.total > this.limit) throw new ApiError(0, 'too_large', tooLarge(this.limit))
    this.parts.push(bytes)
    this.size += bytes.length
    // Large blobs can leave the memory of the page.
    if (this.size > 32 << 20) {
      this.parts = [new Blob(this.parts)]
      this.size = 0
    }
  }

  close(): Promise<string> {
    save(this.blob(), this.name)
    return Promise.resolve(safeName(this.name))
  }

  discard(): Promise<void> {
    this.parts = []
    return Promise.resolve()
  }

  blob(): Blob {
    return new Blob(this.parts, { type: this.mime })
  }
}

function tooLarge(limit: number): string {
  const gb = limit / (1 << 30)
  return `The export is larger than the ${gb} GB that this browser can hold; nothing was saved. Choose fewer traces, use Chrome or Edge on https, which write to disk, or download with curl as the API's description says.`
}
