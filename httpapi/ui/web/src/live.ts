// Automatic refresh: a clock that ticks while the page is looked at.
import { useEffect, useRef } from 'preact/hooks'
import { store, useStore } from './store'

export const periods = [
  { seconds: 0, label: 'Off' },
  { seconds: 5, label: '5 s' },
  { seconds: 30, label: '30 s' },
  { seconds: 60, label: '1 min' },
  { seconds: 300, label: '5 min' },
] as const

const key = 'tracebed.refresh'

function load(): number {
  try {
    const n = Number(localStorage.getItem(key) ?? 30)
    return periods.some((p) => p.seconds === n) ? n : 30
  } catch {
    return 30
  }
}

/** Seconds between two refreshes; 0 = none. */
export const period = store(load())

period.subscribe(() => {
  try {
    localStorage.setItem(key, String(period.get()))
  } catch {
    // Then it lasts as long as the page.
  }
})

/** Counts the clicks on "refresh now". */
export const now = store(0)

export function refreshNow(): void {
  now.set(now.get() + 1)
}

/** useLive calls fn on every tick and on every click; asked says which. */
export function useLive(fn: (asked: boolean) => void): void {
  const latest = useRef(fn)
  latest.current = fn
  const seconds = useStore(period)
  useEffect(() => now.subscribe(() => latest.current(true)), [])
  useEffect(() => {
    if (seconds === 0) return
    let due = false
    const tick = () => {
      if (document.hidden) due = true
      else latest.current(false)
    }
    const seen = () => {
      if (!document.hidden && due) {
        due = false
        latest.current(false)
      }
    }
    const timer = setInterval(tick, seconds * 1000)
    document.addEventListener('visibilitychange', seen)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [seconds])
}
