import { expect, test } from 'vitest'
import { glance, parsePage } from './rows'

const answer = `{"data":[{"id":"t1","status":"failed","input":{"n":12345678901234567890.10,"a":[1, 2]},"output":"line\\nbreak \\u202e","error":null,
 "metadata":{"x":1e400},"usage":{"total_tokens":3,"total_tokens_cost_usd":1.5e-7,"unpriced_count":0},"tags":["a,b"],"stale":false},
 {"id":"t2","input":"{\\"cut","input_truncated":true,"output":null}],
 "pagination":{"page":1,"page_size":2,"page_count":3,"total_count":5},"next_cursor":"c"}`

test('values of users keep their text', () => {
  const { rows, pagination } = parsePage(answer)
  expect(pagination.total_count).toBe(5)
  expect(rows[0]!.input).toEqual({ text: '{"n":12345678901234567890.10,"a":[1, 2]}', truncated: false })
  expect(rows[0]!.usage.total_tokens_cost_usd).toBe(1.5e-7)
  expect(rows[0]!.tags).toEqual(['a,b'])
  expect(rows[1]!.input).toEqual({ text: '"{\\"cut"', truncated: true })
  expect(rows[1]!.error).toEqual({ text: 'null', truncated: false })
})

test('glance', () => {
  const [a, b] = parsePage(answer).rows
  expect(glance(a!.input)).toBe('n: 12345678901234567890.10 · a: 1, 2')
  expect(glance(a!.output)).toBe('line\nbreak \u202e')
  expect(glance(a!.error)).toBe('')
  expect(glance(b!.input)).toBe('{"cut')
  const of = (text: string, truncated = false) => glance({ text, truncated })
  expect(of('{"40bd4eba-f82d-4141-8b14-0f7650a1b2c3":{"content":"Yes","cost":null}}')).toBe('content: Yes')
  expect(of('"{\\"a\\":{\\"b\\":\\"cut he"', true)).toBe('a: b: cut he')
  expect(of('"{not json"', false)).toBe('{not json')
  expect(of('{"n":{"status":"success","input":{"q":1},"output":{"content":"It does."}}}')).toBe('n: content: It does.')
  expect(of('{}')).toBe('{}')
  expect(of('false')).toBe('false')
  expect(glance({ text: JSON.stringify({ a: 'x'.repeat(1000) }), truncated: false }, 50).length).toBeLessThan(60)
})

test('what is no list is refused', () => {
  expect(() => parsePage('{"error":{}}')).toThrow()
})
