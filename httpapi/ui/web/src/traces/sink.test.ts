import { afterEach, expect, test } from 'vitest'
import { BlobSink, openSink } from './sink'

const bytes = (s: string) => new TextEncoder().encode(s)

/** A file of the File System Access API: what is written counts when it is closed. */
function fakeFile(fail = '') {
  const file = { content: '', writes: 0, removed: false, aborted: false }
  const parts: Blob[] = []
  const handle = {
    name: 'picked.jsonl',
    getFile: () => Promise.resolve(new Blob([file.content])),
    createWritable: () =>
      Promise.resolve({
        write(b: Blob) {
          if (fail) return Promise.reject(new Error(fail))
          file.writes++
          parts.push(b)
          return Promise.resolve()
        },
        async close() {
          file.content = await new Blob(parts).text()
        },
        abort() {
          file.aborted = true
          return Promise.resolve()
        },
      }),
    remove() {
      file.removed = true
      return Promise.resolve()
    },
  }
  return { file, handle }
}

const world = globalThis as { showSaveFilePicker?: unknown }
afterEach(() => delete world.showSaveFilePicker)

test('a file is written in blocks, in order, and named as the reader chose', async () => {
  const { file, handle } = fakeFile()
  let asked: unknown
  world.showSaveFilePicker = (o: unknown) => ((asked = o), Promise.resolve(handle))
  const sink = await openSink('my/app-traces.jsonl', 'application/x-ndjson')
  expect(asked).toEqual({ suggestedName: 'my_app-traces.jsonl', types: [{ accept: { 'application/x-ndjson': ['.jsonl'] } }] })
  let want = ''
  for (let i = 0; i < 30_000; i++) {
    const line = `{"n":${i},"text":"${'x'.repeat(i % 100)}"}\n`
    want += line
    await sink.write(bytes(line))
  }
  expect(file.content).toBe('')
  expect(await sink.close()).toBe('picked.jsonl')
  expect(file.content).toBe(want)
  expect(file.writes).toBeLessThan(5)
})

test('what is given up leaves no file, and an older one as it was', async () => {
  const fresh = fakeFile()
  world.showSaveFilePicker = () => Promise.resolve(fresh.handle)
  const sink = await openSink('a.json', 'application/json')
  await sink.write(bytes('x'))
  await sink.discard()
  expect(fresh.file).toMatchObject({ aborted: true, removed: true, content: '' })
  const old = fakeFile()
  old.file.content = 'older'
  world.showSaveFilePicker = () => Promise.resolve(old.handle)
  await (await openSink('a.json', 'application/json')).discard()
  expect(old.file).toMatchObject({ aborted: true, removed: false, content: 'older' })
})

test('a full disk is named', async () => {
  world.showSaveFilePicker = () => Promise.resolve(fakeFile('no space left').handle)
  const sink = await openSink('a.json', 'application/json')
  await sink.write(bytes('x'))
  await expect(sink.close()).rejects.toThrow('picked.jsonl could not be written: no space left')
})

test('memory has a limit', () => {
  const sink = new BlobSink('a.json', 'application/json', 10)
  sink.write(bytes('0123456789'))
  expect(() => sink.write(bytes('a'))).toThrow('nothing was saved')
})
