import { expect, test } from 'vitest'
import { ArrayWriter, countLines, Lines } from './export'
import { BlobSink } from './sink'

const bytes = (s: string) => new TextEncoder().encode(s)

/** All ways to cut a text into up to three chunks. */
function* cuts(text: string): Generator<string[]> {
  for (let a = 0; a <= text.length; a++) for (let b = a; b <= text.length; b++) yield [text.slice(0, a), text.slice(a, b), text.slice(b)]
}

test('Lines gives all but the last line, however the stream is cut', async () => {
  for (const text of ['{"a":1}\n{"b":2}\n{"summary":{}}\n', '{"summary":{}}\n']) {
    const [want, last] = [text.slice(0, -15), text.slice(-15)]
    for (const chunks of cuts(text)) {
      const lines = new Lines()
      let got = ''
      for (const c of chunks) for (const b of lines.push(bytes(c))) got += new TextDecoder().decode(b)
      expect(got).toBe(want)
      expect(await lines.last()).toBe(last)
    }
  }
})

test('a stream that breaks off inside of a line has no last line', async () => {
  const lines = new Lines()
  lines.push(bytes('{"a":1}\n{"b"'))
  expect(await lines.last()).toBe(null)
  expect(await new Lines().last()).toBe(null)
})

test('lines become an array, however they are cut', async () => {
  for (const text of ['1\n2\n3\n', '{"a":"x,y"}\n', '']) {
    for (const chunks of cuts(text)) {
      const sink = new BlobSink('a.json', '')
      const w = new ArrayWriter(sink)
      for (const c of chunks) if (c) await w.write(bytes(c))
      await w.end()
      const want = text.trim() === '' ? [] : text.trim().split('\n').map((l) => JSON.parse(l))
      expect(JSON.parse(await sink.blob().text())).toEqual(want)
    }
  }
})

test('countLines', () => {
  expect(countLines(bytes('a\nb\n'))).toBe(2)
  expect(countLines(bytes('\n'))).toBe(1)
  expect(countLines(bytes('ab'))).toBe(0)
})
