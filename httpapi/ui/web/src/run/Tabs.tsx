// A row of tabs: one stop of the tab key, arrows from one to the next.
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'

interface TabsProps {
  list: readonly { id: string; title: string }[]
  at: string
  set(id: string): void
  name: string
  /** The id of the element that the tabs show something in. */
  panel: string
}

/** Tabs by the ARIA pattern. */
export function Tabs({ list, at, set, name, panel }: TabsProps): JSX.Element {
  const row = useRef<HTMLDivElement>(null)
  const onKeyDown = (e: KeyboardEvent) => {
    const here = list.findIndex((t) => t.id === at)
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -here, End: list.length - 1 - here }[e.key]
    if (step === undefined) return
    e.preventDefault()
    const next = list[(here + step + list.length) % list.length]!
    set(next.id)
    row.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus()
  }
  return (
    <div class="rs-tabs" role="tablist" aria-label={name} ref={row} onKeyDown={onKeyDown}>
      {list.map((t) => (
        <button
          key={t.id}
          id={`${panel}-${t.id}`}
          type="button"
          role="tab"
          data-tab={t.id}
          aria-selected={t.id === at}
          aria-controls={panel}
          tabIndex={t.id === at ? 0 : -1}
          onClick={() => set(t.id)}
        >
          {t.title}
        </button>
      ))}
    </div>
  )
}
