import { expect, test } from 'vitest'
import { hasHidden, oneLine, pieces } from './chars'

test('what cannot be seen gets a mark with its name', () => {
  expect(hasHidden('a\u202eb')).toBe(true)
  expect(pieces('a\u202eb\u0000\u200b')).toEqual([
    { text: 'a' },
    { text: 'U+202E', mark: 'U+202E RIGHT-TO-LEFT OVERRIDE' },
    { text: 'b' },
    { text: 'NUL', mark: 'U+0000 NULL' },
    { text: 'U+200B', mark: 'U+200B ZERO WIDTH SPACE' },
  ])
})

test('line breaks, tabs, emoji with joiners, and scripts from right to left stay', () => {
  for (const text of ['a\r\n\tb', '👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈', 'שלום עולם', 'क्‍ष', '<b>&amp;</b>']) {
    expect(pieces(text)).toEqual([{ text }])
    expect(hasHidden(text)).toBe(text.includes('\r'))
  }
})

test('lone surrogates and tag characters are marked', () => {
  expect(pieces('a\ud83d').at(-1)).toEqual({ text: 'U+D83D', mark: 'U+D83D' })
  expect(pieces('\ude00b')[0]).toEqual({ text: 'U+DE00', mark: 'U+DE00' })
  expect(pieces('😀')).toEqual([{ text: '😀' }])
  expect(pieces('\u{e0041}')[0]!.mark).toBe('U+E0041')
})

test('one line for lists', () => {
  expect(oneLine('  a\n\n b\u001b[31m ')).toBe('a bESC[31m')
  expect(oneLine('x'.repeat(300), 5)).toBe('xxxxx…')
})
