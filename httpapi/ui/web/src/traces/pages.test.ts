import { expect, test } from 'vitest'
import { pagesAround } from './pages'

test.each([
  [1, 1, [1]],
  [1, 3, [1, 2, 3]],
  [1, 20, [1, 2, 3, 0, 20]],
  [5, 20, [1, 2, 3, 4, 5, 6, 7, 0, 20]],
  [10, 20, [1, 0, 8, 9, 10, 11, 12, 0, 20]],
  [20, 20, [1, 0, 18, 19, 20]],
  [30, 20, [1, 0, 20]], // the list became shorter
])('page %i of %i', (page, last, want) => expect(pagesAround(page, last)).toEqual(want))
