// A button with a panel below it. The panel closes on Escape, on a click
// outside, and when the focus leaves.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export interface MenuProps {
  label: string
  /** What the button shows; the label when absent. */
  face?: ComponentChildren
  /** The face holds no text, so that the label names the button. */
  iconOnly?: boolean
  class?: string
  align?: 'left' | 'right'
  /** Makes the content; close closes the panel and gives the focus back. */
  children(close: () => void): ComponentChildren
}

export function Menu({ label, face, iconOnly = false, class: cls = 'button', align = 'left', children }: MenuProps) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const close = () => {
    setOpen(false)
    button.current?.focus()
  }
  useEffect(() => {
    if (!open) return
    const outside = (e: Event) => {
      if (!root.current?.contains(e.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    root.current?.querySelector<HTMLElement>('.menu-panel :is(input, select, button, a)')?.focus()
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])
  return (
    <div
      class="menu"
      ref={root}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !open) return
        e.stopPropagation()
        close()
      }}
      onFocusOut={(e) => {
        const to = e.relatedTarget
        if (to instanceof Node && !root.current?.contains(to)) setOpen(false)
      }}
    >
      <button ref={button} type="button" class={cls} aria-expanded={open} aria-haspopup="dialog" aria-label={iconOnly ? label : undefined} title={face ? label : undefined} onClick={() => setOpen(!open)}>
        {face ?? label}
      </button>
      {open && (
        <div class={`menu-panel ${align}`} role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  )
}
