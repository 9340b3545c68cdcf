// The JSON viewer: a tree that reads only what is open, keeps every digit, and
// shows text as text.
import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import { size } from '../format'
import { Icon } from '../ui/icons'
import { raw, type Json } from './json'
import { Reader, rowsOf, shownText, summary, type JsonRow } from './jsonrows'
import { UserText } from './Text'
import { useVirtual } from './virtual'

/** More rows than this are put into the page only where they are in view. */
const PLAIN = 150

/** A JSON value as a tree. */
export function JsonView({ value, label }: { value: Json; label: string }): JSX.Element {
  const reader = useMemo(() => new Reader(), [value.text])
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map())
  const rows = useMemo(() => rowsOf(value, reader, opened), [value, reader, opened])
  const toggle = (r: JsonRow) => setOpened(new Map(opened).set(r.key, !r.open))
  if (rows.length === 1 && rows[0]!.size === undefined) {
    return (
      <div class="rs-json" role="group" aria-label={label}>
        <Scalar row={rows[0]!} />
      </div>
    )
  }
  if (rows.length > PLAIN) return <Long rows={rows} toggle={toggle} label={label} />
  return (
    <div class="rs-json" role="group" aria-label={label}>
      {rows.map((r) => (
        <Row key={r.key} row={r} toggle={toggle} />
      ))}
    </div>
  )
}

function Long({ rows, toggle, label }: { rows: JsonRow[]; toggle: (r: JsonRow) => void; label: string }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const v = useVirtual({ count: rows.length, scroller, height: 22 })
  return (
    <div class="rs-json rs-json-long" role="group" aria-label={label} tabIndex={0} ref={scroller}>
      <div style={{ height: `${v.getTotalSize()}px`, position: 'relative' }}>
        {v.getVirtualItems().map((item) => (
          <div
            key={rows[item.index]!.key}
            data-index={item.index}
            ref={(el) => v.measureElement(el)}
            class="rs-json-slot"
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <Row row={rows[item.index]!} toggle={toggle} />
          </div>
        ))}
      </div>
    </div>
  )
}

function Row({ row, toggle }: { row: JsonRow; toggle: (r: JsonRow) => void }): JSX.Element {
  const indent = { paddingInlineStart: `${Math.min(row.depth, 24) * 14}px` }
  if (row.size === undefined) {
    return (
      <div class="rs-json-row" style={indent}>
        <Name row={row} />
        <Scalar row={row} />
      </div>
    )
  }
  return (
    <div class="rs-json-row" style={indent}>
      <button
        type="button"
        class="rs-json-toggle"
        aria-expanded={row.open ?? false}
        disabled={row.size === 0}
        onClick={() => toggle(row)}
      >
        <Icon name="right" />
        <Name row={row} />
        <span class="rs-json-summary">{summary(row)}</span>
      </button>
      {row.open && row.value.cut && row.group === undefined && <span class="rs-json-cut">not loaded whole</span>}
    </div>
  )
}

function Name({ row }: { row: JsonRow }): JSX.Element | null {
  if (row.name !== undefined) {
    return (
      <span class="rs-json-name">
        <UserText text={row.name.length > 300 ? row.name.slice(0, 300) + '…' : row.name} />:
      </span>
    )
  }
  return row.index === undefined ? null : <span class="rs-json-index">{row.index}:</span>
}

function Scalar({ row }: { row: JsonRow }): JSX.Element {
  if (row.kind === 'string') return <LongText value={row.value} quoted />
  const text = raw(row.value)
  return <span class={`rs-json-${row.kind}`}>{text.length > 2000 ? text.slice(0, 2000) + '…' : text}</span>
}

/** A string value: its beginning, and more of it on demand. */
export function LongText({ value, quoted }: { value: Json; quoted?: boolean }): JSX.Element {
  const [step, setStep] = useState(0)
  const { text, more, length } = shownText(value, step)
  const last = step >= 2
  return (
    <span class={quoted ? 'rs-json-string' : 'rs-prose'}>
      {quoted && <span class="rs-quote">"</span>}
      <UserText text={text} />
      {quoted && !more && !value.cut && <span class="rs-quote">"</span>}
      {value.cut && !more && <span class="rs-json-cut">… not loaded whole</span>}
      {more && (
        <>
          <span class="rs-json-cut">
            {' '}
            … {size(text.length)} of {size(length)}
            {value.cut && ' loaded'}
          </span>
          {last ? (
            <span class="rs-json-cut"> (copy or download for the rest)</span>
          ) : (
            <button type="button" class="rs-more" onClick={() => setStep(step + 1)}>
              Show more
            </button>
          )}
        </>
      )}
    </span>
  )
}
