// Parts of the page that load when they are needed first.
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** lazy makes a component of a dynamic import; shows `fallback` until it is there, and says when it cannot be loaded. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): (props: P) => JSX.Element | null {
  let ready: ComponentType<P> | null = null
  return function Lazy(props: P) {
    const [failed, setFailed] = useState(false)
    const [, setReady] = useState(ready !== null)
    useEffect(() => {
      if (ready) return
      let gone = false
      load().then(
        (m) => {
          ready = m.default
          if (!gone) setReady(true)
        },
        () => {
          if (!gone) setFailed(true)
        },
      )
      return () => {
        gone = true
      }
    }, [])
    if (failed) {
      return (
        <p class="notice" role="alert">
          This part of the page could not be loaded; the server may have been updated. Reload the page.
        </p>
      )
    }
    const Part = ready
    return Part ? <Part {...props} /> : null
  }
}
