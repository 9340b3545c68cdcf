// The frame of the sheet: a modal dialog at the right edge, with two sides and
// a handle between them.
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { typing } from '../keys'

interface SheetProps {
  label: string
  onClose(): void
  /** Called for the key that lists the keys. */
  onHelp(): void
  children: ComponentChildren
}

/** A modal dialog over the page. The browser keeps the focus in it and gives it back. */
export function Sheet({ label, onClose, onHelp, children }: SheetProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = useRef(onClose)
  close.current = onClose
  useLayoutEffect(() => {
    const el = dialog.current!
    const before = document.activeElement
    el.showModal()
    el.querySelector<HTMLElement>('.rs-frame')?.focus()
    document.documentElement.classList.add('rs-open')
    return () => {
      document.documentElement.classList.remove('rs-open')
      el.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog
      class="rs-sheet"
      ref={dialog}
      aria-label={label}
      onCancel={(e) => {
        e.preventDefault()
        close.current()
      }}
      onKeyDown={(e) => {
        // The page's own keys stay out while the sheet is open.
        if (e.key === 'Escape') {
          e.preventDefault()
          close.current()
        }
        if (e.key === '?' && !typing(e.target)) onHelp()
        e.stopPropagation()
      }}
      onPointerDown={(e) => {
        if (e.target === dialog.current) close.current()
      }}
    >
      <div class="rs-frame" tabIndex={-1}>
        {children}
      </div>
    </dialog>
  )
}

/** Gives the focus to an element, unless the reader has put it somewhere in the sheet already. */
export function takeFocus(el: HTMLElement | null): void {
  const at = document.activeElement
  if (el && (!at || at === document.body || at.classList.contains('rs-frame'))) el.focus({ preventScroll: true })
}

const KEY = 'tracebed.sheet.split'
const LEAST = 25
const MOST = 75

/** Two sides with a handle between them: dragged, or moved by the arrow keys; remembered. */
export function Split({ left, right }: { left: ComponentChildren; right: ComponentChildren }): JSX.Element {
  const [share, setShare] = useState(remembered)
  const box = useRef<HTMLDivElement>(null)
  const set = (s: number) => setShare(Math.round(Math.max(LEAST, Math.min(MOST, s)) * 10) / 10)
  useEffect(() => remember(share), [share])
  const move = (e: PointerEvent) => {
    const handle = e.currentTarget as HTMLElement
    if (!handle.hasPointerCapture(e.pointerId)) return
    const r = box.current!.getBoundingClientRect()
    set(((e.clientX - r.left) / r.width) * 100)
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const by = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[e.key]
    if (by === undefined) return
    e.preventDefault()
    set(share + by)
  }
  return (
    <div class="rs-split" ref={box} style={{ '--rs-left': `${share}%` }}>
      <div class="rs-left">{left}</div>
      <div
        class="rs-handle"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the two sides"
        aria-valuenow={Math.round(share)}
        aria-valuemin={LEAST}
        aria-valuemax={MOST}
        tabIndex={0}
        onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
        onPointerMove={move}
        onKeyDown={onKeyDown}
        onDblClick={() => set(52)}
      />
      <div class="rs-right">{right}</div>
    </div>
  )
}

function remembered(): number {
  try {
    const s = Number(localStorage.getItem(KEY))
    return s >= LEAST && s <= MOST ? s : 52
  } catch {
    return 52 // storage can be refused
  }
}

function remember(share: number): void {
  try {
    localStorage.setItem(KEY, String(share))
  } catch {
    return
  }
}
