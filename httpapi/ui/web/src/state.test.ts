import { describe, expect, test, vi } from 'vitest'

// The page's own objects, as far as state.ts uses them.
function browser(search: string) {
  const location = { search, pathname: '/p/', hash: '' }
  const entries: string[] = []
  const go = (url: string) => {
    location.search = url.includes('?') ? url.slice(url.indexOf('?')) : ''
  }
  vi.stubGlobal('location', location)
  vi.stubGlobal('history', {
    pushState: (_: unknown, __: string, url: string) => (entries.push(url), go(url)),
    replaceState: (_: unknown, __: string, url: string) => (entries.push('!' + url), go(url)),
  })
  return entries
}

describe('state in the address', async () => {
  const entries = browser('?app=a%20b&status=failed&status=running')
  const { hrefOf, params, patched, setParams } = await import('./state')

  test('reads', () => {
    expect(params().get('app')).toBe('a b')
    expect(params().getAll('status')).toEqual(['failed', 'running'])
  })

  test('sets, removes, repeats', () => {
    setParams({ app: 'x/y', status: ['canceled'], from: '2026-01-01T00:00:00Z' })
    expect(entries.at(-1)).toBe('/p/?app=x%2Fy&status=canceled&from=2026-01-01T00:00:00Z')
    setParams({ status: null, from: null }, { replace: true })
    expect(entries.at(-1)).toBe('!/p/?app=x%2Fy')
  })

  test('makes no entry where nothing changes', () => {
    const n = entries.length
    setParams({ app: 'x/y', page: null })
    expect(entries.length).toBe(n)
  })

  test('links keep the path', () => {
    expect(hrefOf({ app: null, trace: 'a&b=c' })).toBe('/p/?trace=a%26b%3Dc')
    expect(hrefOf({ app: null })).toBe('/p/')
  })

  test('patched leaves its input alone', () => {
    const q = new URLSearchParams('a=1')
    expect(patched(q, { a: '2' }).get('a')).toBe('2')
    expect(q.get('a')).toBe('1')
  })
})
