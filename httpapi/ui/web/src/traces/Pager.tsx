// Pages by number, and their size.
import type { Pagination } from '../api'
import { count } from '../format'
import { setParams } from '../state'
import { Icon } from '../ui/icons'
import { defaultSize, pagesAround, sizes } from './pages'

/** goTo opens a page, from its first row on. */
export function goTo(page: number): void {
  setParams({ page: page <= 1 ? null : String(page) })
  scrollTo({ top: 0 })
}

export function Pager({ p, loading }: { p: Pagination; loading: boolean }) {
  const last = Math.max(1, p.page_count)
  const first = (p.page - 1) * p.page_size
  return (
    <nav class={`pager${loading ? ' stale' : ''}`} aria-label="Pages">
      <span class="num" data-total={p.total_count}>
        {p.total_count === 0 || first >= p.total_count ? '0' : `${count(first + 1)}–${count(Math.min(first + p.page_size, p.total_count))}`} of <b>{count(p.total_count)}</b>
      </span>
      <span class="spacer" />
      <label class="hint">
        Rows{' '}
        <select
          class="select"
          aria-label="Rows of a page"
          value={p.page_size}
          onChange={(e) => setParams({ size: e.currentTarget.value === String(defaultSize) ? null : e.currentTarget.value, page: null })}
        >
          {(sizes as readonly number[]).includes(p.page_size) ? null : <option value={p.page_size}>{p.page_size}</option>}
          {sizes.map((s) => (
            <option key={s} value={s}>
              {s}
            </option>
          ))}
        </select>
      </label>
      <div class="pages">
        <button type="button" class="button quiet icon" aria-label="Previous page" disabled={p.page <= 1} onClick={() => goTo(p.page - 1)}>
          <Icon name="left" />
        </button>
        {pagesAround(p.page, last).map((n, i) =>
          n === 0 ? (
            <span key={`gap${i}`} class="gap">
              …
            </span>
          ) : (
            <button key={n} type="button" class="button quiet num" aria-label={`Page ${n}`} aria-current={n === p.page ? 'page' : undefined} onClick={() => goTo(n)}>
              {count(n)}
            </button>
          ),
        )}
        <button type="button" class="button quiet icon" aria-label="Next page" disabled={p.page >= last} onClick={() => goTo(p.page + 1)}>
          <Icon name="right" />
        </button>
      </div>
    </nav>
  )
}
