// Files that the page gives to the reader.

/** safeName keeps what every file system takes; ids of traces may hold anything. */
export function safeName(name: string): string {
  // eslint-disable-next-line no-control-regex
  const s = name.replace(/[\u0000-\u001f\u007f-\u009f\\/:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '_').replace(/^[. ]+/, '_')
  return s.slice(0, 180) || '_'
}

/** save offers a blob under a name, as a download of the browser. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const a = document.createElement('a')
  a.href = url
  a.download = safeName(name)
  document.body.append(a)
  a.click()
  a.remove()
  // The browser reads the blob after this returns.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** dataOf is the value inside of an answer {"data": value}, byte for byte. */
export async function dataOf(answer: Blob): Promise<Blob> {
  const head = '{"data":'
  const tail = await answer.slice(-1).text()
  if ((await answer.slice(0, head.length).text()) !== head || tail !== '}') throw new Error('not an answer of the API')
  return answer.slice(head.length, -1, 'application/json')
}
