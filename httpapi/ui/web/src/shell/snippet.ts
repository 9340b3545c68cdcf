// The command that sends the first run of an app.

/** shellQuote is a text as one word of a POSIX shell. */
export function shellQuote(s: string): string {
  return `'${s.replaceAll("'", `'\\''`)}'`
}

/** firstRun is a curl command that works where the page works: its server, its app. */
export function firstRun(address: string, authOff: boolean, startMs: number): string {
  const at = (ms: number) => new Date(startMs + ms).toISOString()
  const id = (n: number) => `00000000-0000-4000-8000-${(startMs * 10 + n).toString(16).padStart(12, '0').slice(-12)}`
  const run = {
    id: id(1),
    trace_id: id(2),
    name: 'First run',
    type: 'workflow',
    start_time: at(-1250),
    end_time: at(0),
    status: 'succeeded',
    input: { question: 'Does it work?' },
    output: 'It does.',
  }
  const lines = [`curl -X POST ${shellQuote(address)}`]
  if (!authOff) lines.push(`-H "Authorization: Bearer $TRACEBED_TOKEN"`)
  lines.push(`-H 'Content-Type: application/json'`, `-d ${shellQuote(JSON.stringify({ runs: [run] }, null, 2))}`)
  return lines.join(' \\\n  ')
}
