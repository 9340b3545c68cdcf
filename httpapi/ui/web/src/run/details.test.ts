import { expect, test } from 'vitest'
import { attemptsOf } from './attempts'
import { errorOf, settingsOf } from './config'
import { kind, parse, raw } from './json'
import { docOf, readUpTo } from './values'

test('attempts with their times and errors', () => {
  const list = attemptsOf(
    parse(`[{"id":"1","start_time":"2026-06-10T09:02:01.000500+00:00","end_time":"2026-06-10T09:02:02+00:00","status":"failed","error":{"message":""},"input":null},
      {"start_time":"2026-06-10T09:02:03+00:00","end_time":null,"status":null}]`),
  )
  expect(list[0]).toMatchObject({ status: 'failed' })
  expect(list[0]!.ms).toBeCloseTo(999.5, 3)
  expect(raw(list[0]!.error!)).toBe('{"message":""}')
  expect(list[1]).toEqual({ status: 'running', start: '2026-06-10T09:02:03+00:00' })
  expect(attemptsOf(parse('null'))).toEqual([])
})

test('the configuration of a node, small objects flat', () => {
  const list = settingsOf(
    parse(`{"node":{"id":"n1","name":"x","model":"openai/gpt-4o","prompt":{"messages":[]},"depends":[1],"caching":{"enabled":false},
      "connection":{"id":"c","type":"T"},"input_mapping":{},"callbacks":[],"tools":[{"name":"t"}],"timeout":null,"big":1e400},"gen_ai":{"provider":"openai","messages":{}}}`),
  )
  expect(list.map((s) => `${s.name}=${raw(s.value)}`)).toEqual([
    'id="n1"',
    'model="openai/gpt-4o"',
    'caching.enabled=false',
    'connection.id="c"',
    'connection.type="T"',
    'tools=[{"name":"t"}]',
    'big=1e400',
    'provider="openai"',
  ])
  expect(settingsOf(undefined)).toEqual([])
})

test('errors of every shape', () => {
  expect(errorOf(parse('{"message":"boom","traceback":"File x"}'))).toMatchObject({ message: 'boom', traceback: 'File x' })
  expect(errorOf(parse('{"message":"","traceback":"NoneType: None\\n"}'))).toMatchObject({ message: '' })
  expect(errorOf(parse('{"message":"","traceback":"NoneType: None\\n"}'))!.traceback).toBeUndefined()
  expect(errorOf(parse('{"type":"TimeoutError","message":"late"}'))!.message).toBe('TimeoutError: late')
  expect(errorOf(parse('"plain"'))).toEqual({ message: 'plain' })
  expect(errorOf(parse('null'))).toBeUndefined()
  expect(errorOf(parse('[1]'))!.message).toBe('')
})

test('a document with values that were cut', () => {
  const doc = docOf(
    '{"data":{"id":"r","input":"{\\"a\\":1","input_truncated":true,"output":{"n":12345678901234567890},"error":null}}',
  )
  expect(doc.value('input')).toMatchObject({ partial: true })
  expect(doc.value('input')).toBe(doc.value('input'))
  expect(raw(doc.value('output')!.json)).toBe('{"n":12345678901234567890}')
  expect(kind(doc.value('error')!.json)).toBe('null')
  expect(doc.member('error')).toBeUndefined()
  expect(doc.value('metadata')).toBeUndefined()
})

test('an answer is read so far, characters whole', async () => {
  const bytes = new TextEncoder().encode('añ😀b'.repeat(100))
  const answer = () =>
    new Response(
      new ReadableStream({
        start: (c) => {
          for (let i = 0; i < bytes.length; i += 7) c.enqueue(bytes.slice(i, i + 7))
          c.close()
        },
      }),
    )
  const whole = await readUpTo(answer(), 1e6)
  expect(whole).toEqual({ text: 'añ😀b'.repeat(100), complete: true })
  for (const n of [1, 2, 3, 4, 5, 6, 7, 50]) {
    const part = await readUpTo(answer(), n)
    expect(part.complete).toBe(false)
    expect(whole.text.startsWith(part.text)).toBe(true)
  }
  expect(await readUpTo(answer(), bytes.length)).toMatchObject({ complete: true })
})
