import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { firstRun, shellQuote } from './snippet'

/** What a shell makes of a command: the arguments that curl would get. */
function args(command: string): string[] {
  const out = execFileSync('sh', ['-c', `curl() { for a in "$@"; do printf '%s\\0' "$a"; done; }\nTRACEBED_TOKEN=secret\n${command}`])
  return out.toString().split('\0').slice(0, -1)
}

test.each(["it's", 'a"b$c`d`', '\\', 'two\nlines', ''])('shellQuote %j', (s) => {
  expect(args(`curl ${shellQuote(s)}`)).toEqual([s])
})

test('firstRun is one command with a valid body', () => {
  const address = "http://127.0.0.1:8787/v1/apps/it's%20mine/traces"
  const a = args(firstRun(address, false, Date.UTC(2026, 10, 22, 12)))
  expect(a.slice(0, 7)).toEqual(['-X', 'POST', address, '-H', 'Authorization: Bearer secret', '-H', 'Content-Type: application/json'])
  const run = JSON.parse(a[8]!).runs[0]
  expect(run.end_time).toBe('2026-11-22T12:00:00.000Z')
  expect(run.start_time).toBe('2026-11-22T11:59:58.750Z')
  expect(run.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(run.id).not.toBe(run.trace_id)
})

test('no token where authentication is off', () => {
  expect(firstRun('http://localhost/', true, 0)).not.toContain('TRACEBED_TOKEN')
})
