// Lists of which only what is in view is in the page.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks'

export interface VirtualOptions {
  count: number
  scroller: RefObject<HTMLElement>
  /** The height of a row; with measure, a guess until it is in the page. */
  height: number
  /** Room above the rows in the scroller, px. */
  above?: number
  overscan?: number
}

/** useVirtual says which rows are in view. Rows whose height varies give their element to measureElement. */
export function useVirtual(opt: VirtualOptions): Virtualizer<HTMLElement, HTMLElement> {
  const [, render] = useReducer<number, void>((n) => n + 1, 0)
  const held = useRef<Virtualizer<HTMLElement, HTMLElement>>()
  const options = {
    count: opt.count,
    getScrollElement: () => opt.scroller.current,
    estimateSize: () => opt.height,
    scrollMargin: opt.above ?? 0,
    overscan: opt.overscan ?? 10,
    initialRect: { width: 800, height: 600 },
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => render(),
  }
  const v = (held.current ??= new Virtualizer<HTMLElement, HTMLElement>(options))
  v.setOptions(options)
  useEffect(() => v._didMount(), [])
  useLayoutEffect(() => v._willUpdate())
  return v
}

/** useSize gives the width and height of an element, 0 until it is in the page. */
export function useSize(of: RefObject<HTMLElement>): { width: number; height: number } {
  const [, render] = useReducer<number, void>((n) => n + 1, 0)
  const size = useRef({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const el = of.current
    if (!el) return
    const take = () => {
      const next = { width: el.clientWidth, height: el.clientHeight }
      if (next.width === size.current.width && next.height === size.current.height) return
      size.current = next
      render()
    }
    take()
    const watch = new ResizeObserver(take)
    watch.observe(el)
    return () => watch.disconnect()
  }, [of])
  return size.current
}
