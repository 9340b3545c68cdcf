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
  expect(glance(a!.input)).toBe('{"n":12345678901234567890.10,"a":[1, 2]}')
  expect(glance(a!.output)).toBe('line\nbreak \u202e')
  expect(glance(a!.error)).toBe('')
  expect(glance(b!.input)).toBe('{"cut')
  expect(glance(a!.input, 5)).toBe('{"n":')
})

test('what is no list is refused', () => {
  expect(() => parsePage('{"error":{}}')).toThrow()
})
