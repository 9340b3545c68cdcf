import { expect, test } from 'vitest'
import { children, count, decode, get, items, kind, num, parse, pretty, raw, rawLength, str, valueAt } from './json'

const names = (text: string) => children(parse(text, true)).map((c) => (c.name ? decode(c.name) : '-') + ' ' + raw(c.value))

test('every digit of a number stays', () => {
  const v = parse('{"n":12345678901234567890123,"e":1e400,"f":7.500000000000001e-05,"z":-0.10}')
  expect(['n', 'e', 'f', 'z'].map((k) => raw(get(v, k)!))).toEqual([
    '12345678901234567890123',
    '1e400',
    '7.500000000000001e-05',
    '-0.10',
  ])
  expect(pretty(v)).toContain('"n": 12345678901234567890123,')
})

test('kinds, and members in order, those of one name too', () => {
  expect(['{}', '[]', '"a"', '1', 'true', 'null', ''].map((t) => kind(parse(t)))).toEqual([
    'object',
    'array',
    'string',
    'number',
    'boolean',
    'null',
    'missing',
  ])
  expect(names(' { "a" : 1 , "b":[2,{"c":"}"}], "a": "x" } ')).toEqual(['a 1', 'b [2,{"c":"}"}]', 'a "x"'])
  expect(names('[1,"a,]",[],{}]')).toEqual(['- 1', '- "a,]"', '- []', '- {}'])
  expect(names('{}')).toEqual([])
})

test('quotes and backslashes in strings and names', () => {
  const v = parse('{"a\\"b":"\\\\","c":"\\\\\\"}"}')
  expect(children(v).map((c) => [decode(c.name!), decode(c.value)])).toEqual([
    ['a"b', '\\'],
    ['c', '\\"}'],
  ])
})

test('members by path; null is as good as absent', () => {
  const v = parse('{"a":{"b":{"c":"x"}},"n":null}')
  expect(str(get(v, 'a', 'b', 'c'))).toBe('x')
  expect(get(v, 'a', 'x', 'c')).toBeUndefined()
  expect(get(v, 'n')).toBeUndefined()
  expect(num(get(parse('{"k":12}'), 'k'))).toBe(12)
  expect(items(v)).toEqual([])
})

test('a value cut anywhere shows what there is, and says so', () => {
  const text = '{"a":"x\\u00e9\\ud83d\\ude00y\\\\","b":[1,-2.5e3,{"c":true}],"d":"long text"}'
  const whole = children(parse(text)).map((c) => decode(c.name!))
  for (let n = 1; n < text.length; n++) {
    const v = parse(text.slice(0, n), true)
    expect(v.cut, `cut at ${n}`).toBe(true)
    const kids = children(v)
    expect(whole.slice(0, kids.length)).toEqual(kids.map((c) => decode(c.name!)))
    const walk = (j: typeof v) => {
      decode(j)
      for (const c of children(j)) walk(c.value)
    }
    walk(v)
  }
  expect(names('{"a":[1,2')).toEqual(['a [1,2'])
  expect(children(parse('{"a":[1,2', true))[0]!.value.cut).toBe(true)
  expect(children(parse('{"a":1,"b', true)).length).toBe(1)
})

test('strings are decoded in part, escapes and pairs kept whole', () => {
  const v = parse(JSON.stringify('ab\n"\u202e😀é').replace('é', '\\u00e9'))
  expect(decode(v)).toBe('ab\n"\u202e😀é')
  expect(decode(v, 3)).toBe('ab')
  expect(decode(v, 4)).toBe('ab\n')
  for (let n = 0; n < 20; n++) expect('ab\n"\u202e😀é'.startsWith(decode(v, n).replace(/[\ud800-\udbff]$/, ''))).toBe(true)
  expect(decode(parse('"\\ud83d\\ude00"'), 8)).toBe('\ud83d')
  expect(decode(parse('"\\u12', true))).toBe('')
  expect(decode(parse('"a\\\\u12', true))).toBe('a\\u12')
  expect(rawLength(parse('"abc"'))).toBe(3)
})

test('indentation changes nothing else', () => {
  const text = '{"a":[1,{"b":"x, y: {}"}],"c":{},"d":[ ]}'
  expect(JSON.parse(pretty(parse(text)))).toEqual(JSON.parse(text))
  expect(pretty(parse('{"a":[1]}'))).toBe('{\n  "a": [\n    1\n  ]\n}')
})

test('a value in the middle of a text', () => {
  const v = valueAt('xx[1,2]yy', 2)
  expect([raw(v), count(v)]).toEqual(['[1,2]', 2])
})

test('deep nesting and long strings need no recursion', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  expect(count(parse(deep))).toBe(1)
  const long = `{"a":"${'x'.repeat(5_000_000)}","b":2}`
  const v = parse(long)
  expect(raw(get(v, 'b')!)).toBe('2')
  expect(decode(get(v, 'a')!, 10)).toBe('xxxxxxxxxx')
})
