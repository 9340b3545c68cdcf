// Keys of the whole page. A key belongs to what has the focus first: fields
// take letters, dialogs stop what they do not want passed on.
import { useEffect, useRef } from 'preact/hooks'

/** typing says whether the focus is where letters are text. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** useKeys calls the handler of a key, such as { '?': open }, unless somebody types or a dialog is open. */
export function useKeys(handlers: Readonly<Record<string, (e: KeyboardEvent) => void>>): void {
  const latest = useRef(handlers)
  latest.current = handlers
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return
      if (document.querySelector('[aria-modal="true"], dialog[open]')) return
      // A text that scrolls keeps its arrows.
      if (e.key.startsWith('Arrow') && e.target instanceof Element && e.target.closest('pre')) return
      const fn = latest.current[e.key]
      if (!fn) return
      // A button or link keeps its own Enter.
      if (e.key === 'Enter' && e.target instanceof HTMLElement && /^(A|BUTTON|SUMMARY)$/.test(e.target.tagName)) return
      e.preventDefault()
      fn(e)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}
