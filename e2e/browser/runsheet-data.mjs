// Traces that the tests of the run sheet look at: large ones, wide ones, and
// ones whose texts are hostile.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repo } from './harness.mjs'

const T0 = Date.parse('2026-06-10T09:00:00Z')
const at = (ms) => new Date(T0 + ms).toISOString()

/** One run of a trace, as the Dynamiq SDK sends it. */
export function run(trace, id, parent, start, end, more = {}) {
  const { node, ...rest } = more
  return {
    id, name: id, type: 'node', trace_id: trace, source_id: null, session_id: null,
    start_time: at(start), end_time: end === null ? null : at(end), parent_run_id: parent,
    status: end === null ? null : 'succeeded', input: null, output: null, error: null, executions: [], tags: [],
    metadata: node ? { node, run_depends: [] } : {},
    ...rest,
  }
}

/** n runs: agents with loops of models and tools, 50 runs each. */
export function bigTrace(trace, n) {
  const runs = [run(trace, `${trace}-root`, null, 0, n * 10, { type: 'workflow', name: 'Workflow', metadata: {} })]
  for (let i = 1; i < n; i++) {
    const agent = Math.floor((i - 1) / 50)
    if ((i - 1) % 50 === 0) {
      runs.push(run(trace, `${trace}-a${agent}`, `${trace}-root`, i * 10, i * 10 + 500, { name: `Agent ${agent}`, node: { id: `a${agent}`, name: 'Agent', group: 'agents' } }))
      continue
    }
    const llm = i % 2 === 0
    runs.push(run(trace, `${trace}-${i}`, `${trace}-a${agent}`, i * 10, i * 10 + 9, {
      name: llm ? `Model call ${i}` : `tool ${i}`,
      output: { content: `answer ${i}` },
      metadata: {
        node: { id: llm ? 'm' : 't', name: 'x', group: llm ? 'llms' : 'tools', ...(llm ? { model: 'openai/gpt-4o', prompt: { messages: [{ role: 'user', content: `question ${i}` }] } } : {}) },
        run_depends: [],
        ...(llm ? { usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_cost_usd: 0.00001, completion_tokens_cost_usd: 0.00002, total_tokens_cost_usd: 0.00003 } } : {}),
      },
    }))
  }
  return runs
}

/** A flow of stages that depend on each other, `wide` runs in each. */
export function wideTrace(trace, stages, wide) {
  const runs = [run(trace, `${trace}-root`, null, 0, stages * 100, { type: 'workflow', name: 'Wide', metadata: {} })]
  for (let s = 0; s < stages; s++) {
    for (let w = 0; w < wide; w++) {
      const depends = s === 0 ? [] : [{ node: { id: `n${s - 1}.${w}`, name: 'x', type: 't' }, option: null, condition: null }]
      if (s > 0 && w > 0) depends.push({ node: { id: `n${s - 1}.${w - 1}`, name: 'x', type: 't' }, option: null, condition: null })
      runs.push(run(trace, `${trace}-${s}.${w}`, `${trace}-root`, s * 100, s * 100 + 90, {
        name: `Step ${s}.${w}`, metadata: { node: { id: `n${s}.${w}`, name: `Step ${s}.${w}`, group: 'tools', depends }, run_depends: [] },
      }))
    }
  }
  return runs
}

export const HOSTILE = {
  html: '<img src=x onerror="window.__hacked=1"><script>window.__hacked=1</script><b>bold</b>',
  rtl: 'abc \u202egnirts desrever\u202c שלום עולם مرحبا',
  control: 'bell\u0007 esc\u001b[31mred\u001b[0m nul\u0000 zero\u200bwidth',
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 ❤️ é 日本語',
}

/** A trace of which every text is hostile. */
export function hostileTrace(trace) {
  const all = Object.values(HOSTILE).join('\n')
  return [
    run(trace, `${trace}-root`, null, 0, 1000, { type: 'workflow', name: HOSTILE.html, metadata: {}, input: { [HOSTILE.html]: HOSTILE.rtl, control: HOSTILE.control }, output: all, tags: [HOSTILE.rtl] }),
    run(trace, `${trace}-llm`, `${trace}-root`, 10, 900, {
      name: HOSTILE.rtl,
      input: {},
      output: { content: HOSTILE.html, tool_calls: [{ id: 'c1', type: 'function', function: { name: HOSTILE.html, arguments: { n: HOSTILE.control } } }] },
      metadata: {
        node: {
          id: 'h', name: HOSTILE.html, group: 'llms', model: HOSTILE.rtl,
          prompt: {
            messages: [
              { role: 'system', content: HOSTILE.html },
              { role: 'user', content: [{ type: 'text', text: all }, { type: 'image_url', image_url: { url: PIXEL } }, { type: 'image_url', image_url: { url: 'https://example.invalid/x.png' } }, { type: 'image_url', image_url: { url: 'data:image/svg+xml;base64,PHN2Zy8+' } }] },
            ],
          },
        },
        run_depends: [],
      },
    }),
    run(trace, `${trace}-fail`, `${trace}-root`, 900, 950, {
      name: HOSTILE.control, status: 'failed', error: { message: HOSTILE.html, traceback: `Traceback:\n  ${HOSTILE.rtl}` },
      metadata: { node: { id: 'f', name: 'f', group: 'tools' }, run_depends: [] },
    }),
  ]
}

const PIXEL = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A trace with a 5 MB line, a value of 20 MB, and numbers of many digits. */
export function heavyTrace(trace) {
  const rows = Array.from({ length: 200_000 }, (_, i) => ({ i, text: `row ${i} `.repeat(9), n: '@' }))
  return [
    run(trace, `${trace}-root`, null, 0, 1000, { type: 'workflow', name: 'Heavy', metadata: {}, input: 'line '.repeat(1 << 20), output: { numbers: ['@'] } }),
    run(trace, `${trace}-20mb`, `${trace}-root`, 10, 900, { name: 'twenty megabytes', input: { rows }, output: { ok: true } }),
  ]
}

/** Numbers that no double holds, in place of the marks of heavyTrace. */
export const DIGITS = '12345678901234567890.12345678901234567890'

/** The body of a request, JSON text. */
export function body(runs) {
  return JSON.stringify({ runs }).replaceAll('"@"', DIGITS)
}

/** Sends runs, some at a time. */
export async function send(server, app, runs, each = 10_000) {
  for (let i = 0; i < runs.length; i += each) await server.api(`/v1/apps/${app}/traces`, { method: 'POST', body: body(runs.slice(i, i + each)) })
}

export const AGENT = '00002b01-0001-4d1a-810c-00029030a232'
export const FAILED = '00003c01-0001-4422-840f-000393971532'
export const FLOW = 'order flow #17'
export const GENAI = '5b8efff798038103d269b633813fc60c'
export const OPENINFERENCE = '7c9efff798038103d269b633813fc61d'

/** Sends the shared fixtures of both formats to the app fx. */
export async function sendFixtures(server) {
  for (const dir of ['e2e/testdata', 'engine/otlp/testdata']) {
    for (const name of readdirSync(join(repo, dir)).filter((n) => /^(dynamiq|otlp)-.*\.json$/.test(n))) {
      for (const r of JSON.parse(readFileSync(join(repo, dir, name), 'utf8')).requests) {
        await server.api('/v1/apps/fx/traces', { method: 'POST', body: r.body })
      }
    }
  }
}

/** The address of the sheet of a trace. */
export const link = (trace, more = {}, app = 'fx') => '?' + new URLSearchParams({ app, trace, ...more })
