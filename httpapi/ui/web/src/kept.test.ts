import { expect, test, vi } from 'vitest'

vi.hoisted(() => {
  // session.ts looks at these when it is used; kept.ts needs its store only.
  Object.assign(globalThis, { location: { href: 'http://x/', search: '' } })
})

import { Kept } from './kept'
import { session } from './session'

const soon = () => new Promise((r) => setTimeout(r))

test('the last answers are kept, the oldest forgotten', () => {
  const k = new Kept<number>(2)
  k.set('a', 1)
  k.set('b', 2)
  k.set('a', 3)
  k.set('c', 4)
  expect(['a', 'b', 'c'].map((key) => k.get(key))).toEqual([3, undefined, 4])
})

test('a question that was asked ahead is joined once, and asked once', async () => {
  let now = 0
  let asked = 0
  const k = new Kept<number>(2, () => now)
  const ask = () => Promise.resolve(++asked)
  k.warm('a', ask)
  k.warm('a', ask)
  expect(asked).toBe(1)
  expect(await k.take('a')).toBe(1)
  expect(k.take('a')).toBe(null)
  k.warm('b', ask)
  await soon()
  expect(k.get('b')).toBe(2)
  expect(k.take('b')).toBe(null) // it has come: it is shown, and asked again
  // One that takes long says nothing about now.
  k.warm('c', () => new Promise(() => undefined))
  now = 1001
  expect(k.take('c')).toBe(null)
})

test('what fails is not kept', async () => {
  const k = new Kept<number>(2)
  k.warm('a', () => Promise.reject(new Error('no')))
  await soon()
  expect([k.get('a'), k.take('a')]).toEqual([undefined, null])
})

test('nothing is kept for another session, not even what is still on its way', async () => {
  const k = new Kept<number>(2)
  k.set('a', 1)
  let answer: (n: number) => void = () => undefined
  k.warm('b', () => new Promise((r) => (answer = r)))
  session.state.set({ kind: 'unknown', error: null as never })
  answer(2)
  await soon()
  expect([k.get('a'), k.get('b'), k.take('b')]).toEqual([undefined, undefined, null])
})
