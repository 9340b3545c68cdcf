/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { conversationOf, plainText, whyNoImage, type Conversation } from './conversation'
import { decode, parse, raw, type Json } from './json'

interface Sent {
  id: string
  name: string | null
  group?: string
  input?: unknown
  output?: unknown
  metadata: { node?: { group?: string } }
}

const of = (r: { input?: unknown; output?: unknown; metadata?: unknown }): Conversation | undefined => {
  const v = (x: unknown): Json | undefined => (x === undefined ? undefined : parse(JSON.stringify(x)))
  return conversationOf({ metadata: v(r.metadata), input: v(r.input), output: v(r.output) })
}
const flat = (c: Conversation | undefined) =>
  c?.messages.map(
    (m) =>
      `${m.side} ${m.role}: ` +
      m.parts
        .map((p) =>
          p.kind === 'call'
            ? `call ${p.name} ${p.args && raw(p.args)}`
            : p.kind === 'image'
              ? p.url
              : `${p.kind} ${decode(p.value)}`,
        )
        .join(' | '),
  )

// The shared fixtures as the end-to-end tests have them.
const shared = new URL('../../../../../e2e/testdata/', import.meta.url)
const dynamiqFixtures = ['dynamiq-agent-tools-nested', 'dynamiq-failed', 'dynamiq-single-llm', 'dynamiq-skip-and-cache']

test('every model run of the Dynamiq fixtures has its rendered prompt and its answer', () => {
  expect(existsSync(shared)).toBe(true)
  let calls = 0
  for (const name of dynamiqFixtures) {
    const fixture = JSON.parse(readFileSync(new URL(`${name}.json`, shared), 'utf8')) as {
      requests: { body: { runs: Sent[] } }[]
    }
    for (const r of fixture.requests.flatMap((q) => q.body.runs)) {
      const c = of(r)
      if (r.metadata.node?.group !== 'llms') {
        expect(c, `${name} ${r.name}`).toBeUndefined()
        continue
      }
      calls++
      expect(c!.messages.filter((m) => m.side === 'input').length, `${name} ${r.name}`).toBeGreaterThan(0)
      expect(c!.messages.filter((m) => m.side === 'output').length).toBe(r.output ? 1 : 0)
      expect(c!.cut).toBe(false)
    }
  }
  expect(calls).toBeGreaterThan(8)
})

test('an agent of the Dynamiq SDK calls its tools in the answer', () => {
  const text = readFileSync(new URL('dynamiq-agent-tools-nested.json', shared), 'utf8')
  const runs = (JSON.parse(text) as { requests: { body: { runs: Sent[] } }[] }).requests[0]!.body.runs
  const first = of(runs.find((r) => r.name === 'Planner LLM')!)
  expect(flat(first)).toEqual([
    'input system: text You plan trips.',
    'input user: text Plan a day in Oslo or Rome',
    expect.stringMatching(/^output assistant: call weather .*Oslo.* \| call weather .*Rome/),
  ])
})

const otlp = JSON.parse(readFileSync(new URL('testdata/otlp-runs.json', import.meta.url), 'utf8')) as Record<string, Sent[]>

test('model runs of the OTLP fixtures', () => {
  const named = (fixture: string, name: string) => otlp[fixture]!.filter((r) => r.name === name).map((r) => flat(of(r)))
  expect(named('otlp-genai', 'chat gpt-4o-mini')).toEqual([
    ['input user: text Weather in Paris?', 'output assistant: text Rainy, 57F.'],
    ['input user: text Weather in Paris?', 'output assistant: call get_weather {"location":"Paris"}'],
  ])
  expect(named('otlp-openinference', 'ChatAnthropic')).toEqual([
    ['input user: text __REDACTED__', 'output assistant: text 30 days.'],
    [
      'input system: text Answer from context.',
      'input user: text What is our refund policy?',
      'output assistant: call lookup {"k":"refund"}',
    ],
  ])
  expect(named('otlp-genai', 'execute_tool get_weather')).toEqual([undefined])
  expect(named('otlp-openinference', 'VectorStoreRetriever')).toEqual([undefined])
})

test('messages beside input and output win over these', () => {
  const c = of({
    input: 'x',
    output: [{ role: 'assistant', parts: [{ type: 'text', content: 'b' }] }],
    metadata: { gen_ai: { messages: { input: [{ role: 'user', parts: [{ type: 'text', content: 'a' }] }] } } },
  })
  expect(flat(c)).toEqual(['input user: text a', 'output assistant: text b'])
})

test('parts of every kind', () => {
  const c = of({
    metadata: {
      node: {
        prompt: {
          tools: [{ type: 'function' }],
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: 'look' },
                { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
                { type: 'image', source: { type: 'base64', media_type: 'image/gif', data: 'BB==' } },
              ],
            },
            {
              role: 'assistant',
              content: null,
              tool_calls: [
                { id: 'c1', function: { name: 'f', arguments: '{"n":12345678901234567890}' } },
                { id: 'c2', function: { name: 'g', arguments: 'plain' } },
              ],
            },
            { role: 'tool', tool_call_id: 'c1', content: 'done' },
            {
              role: 'user',
              parts: [
                { type: 'reasoning', content: 'hm' },
                { type: 'tool_call_response', id: 'c2', response: { ok: true } },
                { type: 'blob', mime_type: 'image/webp', content: 'CC==' },
                { type: 'weird', x: 1 },
              ],
            },
          ],
        },
      },
    },
    output: 'plain',
  })
  expect(flat(c)).toEqual([
    'input user: text look | data:image/png;base64,AA== | data:image/gif;base64,BB==',
    'input assistant: call f {"n":12345678901234567890} | call g "plain"',
    'input tool: result done',
    'input user: reasoning hm | result {"ok":true} | data:image/webp;base64,CC== | json {"type":"weird","x":1}',
    'output assistant: text plain',
  ])
  expect(raw(c!.tools!)).toBe('[{"type":"function"}]')
  expect(plainText(c!)).toContain('tool:\ndone')
})

test('metadata that was not loaded whole gives the messages that are there', () => {
  const text = JSON.stringify({
    node: {
      prompt: {
        messages: [
          { role: 'system', content: 'be good' },
          { role: 'user', content: 'a long question' },
        ],
      },
    },
  })
  const c = conversationOf({ metadata: parse(text.slice(0, text.indexOf('question')), true) })
  expect(flat(c)).toEqual(['input system: text be good', 'input user: text a long '])
  expect(c!.cut).toBe(true)
})

test('which images are shown', () => {
  expect(whyNoImage('data:image/png;base64,AA==', false)).toBe('')
  expect(whyNoImage('data:image/svg+xml;base64,AA==', false)).toMatch(/format/)
  expect(whyNoImage('https://example.org/x.png', false)).toMatch(/address/)
  expect(whyNoImage('data:image/png;base64,AA', true)).toMatch(/whole/)
  expect(whyNoImage('data:image/png;base64,' + 'A'.repeat(13 << 20), false)).toMatch(/large/)
})

test('values of other shapes are no conversation', () => {
  for (const input of [null, 1, 'x', [], [1], [{ role: 1 }], { messages: [] }, [{ role: 'user' }]])
    expect(of({ input, output: input, metadata: {} })).toBeUndefined()
})
