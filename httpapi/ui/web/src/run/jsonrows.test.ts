import { expect, test } from 'vitest'
import { parse } from './json'
import { Reader, rowsOf, shownText, summary, type JsonRow } from './jsonrows'

const show = (rows: JsonRow[]) =>
  rows.map((r) => '.'.repeat(r.depth) + (r.name ?? r.index ?? '') + (r.size === undefined ? '' : ' ' + summary(r)))

test('small containers are open, and can be closed', () => {
  const v = parse('{"a":1,"b":[true,{"c":null}],"e":{}}')
  const rows = rowsOf(v, new Reader(), new Map())
  expect(show(rows)).toEqual([' { 3 }', '.a', '.b [ 2 ]', '..0', '..1 { 1 }', '...c', '.e { 0 }'])
  const b = rows[2]!.key
  expect(show(rowsOf(v, new Reader(), new Map([[b, false]])))).toEqual([' { 3 }', '.a', '.b [ 2 ]', '.e { 0 }'])
})

test('many children stand in groups that open alone', () => {
  const v = parse(JSON.stringify(Array.from({ length: 250 }, (_, i) => i)))
  const reader = new Reader()
  const rows = rowsOf(v, reader, new Map())
  expect(show(rows)).toEqual([' [ 250 ]', '. 0 … 99', '. 100 … 199', '. 200 … 249'])
  const opened = rowsOf(v, reader, new Map([[rows[3]!.key, true]]))
  expect(opened.length).toBe(54)
  expect(show(opened).at(-1)).toBe('..249')
})

test('what is not open is not read', () => {
  const v = parse(`{"deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
  expect(rowsOf(v, new Reader(), new Map()).length).toBeLessThan(6)
})

test('a container that is not there whole says so', () => {
  expect(show(rowsOf(parse('[1,2,3', true), new Reader(), new Map()))[0]).toBe(' [ 3+ ]')
})

test('long strings are shown in steps', () => {
  const v = parse(`"${'x'.repeat(5_000_000)}"`)
  expect([0, 1, 2, 9].map((s) => shownText(v, s).text.length)).toEqual([1500, 20_000, 200_000, 200_000])
  expect(shownText(v, 0)).toMatchObject({ more: true, length: 5_000_000 })
  expect(shownText(parse('"short"'), 0)).toEqual({ text: 'short', more: false, length: 5 })
})
