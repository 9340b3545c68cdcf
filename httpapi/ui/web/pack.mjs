// Makes ../dist of build/: every file as gzip. It uses fflate, whose output
// does not depend on the machine; the zlib of Node differs by processor, and
// CI compares what it builds with what is committed.
import { gzipSync } from 'fflate'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const from = join(here, 'build')
const to = join(here, '..', 'dist')

rmSync(to, { recursive: true, force: true })
let total = 0
for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = join(entry.parentPath, entry.name)
  const target = join(to, path.slice(from.length)) + '.gz'
  const packed = gzipSync(readFileSync(path), { level: 9, mtime: 0 })
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, packed)
  total += packed.length
  console.log(`${packed.length.toString().padStart(8)}  ${target.slice(to.length + 1)}`)
}
console.log(`${total.toString().padStart(8)}  in all`)
