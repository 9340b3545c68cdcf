// The choice of a range of time: presets, or two instants of the zone.
import { useState } from 'preact/hooks'
import { shortTime, time } from '../format'
import { fromMillis, millis } from '../instant'
import { presets, rangeOf, type Range } from '../range'
import { setParams, useParams } from '../state'
import { instantOf, localOf } from '../zone'
import { Icon } from './icons'
import { Menu } from './menu'

export interface RangePickerProps {
  zone: string
  /** What no range means: a preset, or everything. */
  none: string
  /** Whether "no range" can be chosen. */
  clearable: boolean
}

export function RangePicker({ zone, none, clearable }: RangePickerProps) {
  const range = rangeOf(useParams())
  const label = rangeLabel(range, zone, none)
  return (
    <Menu
      label="Date range"
      face={
        <>
          <Icon name="calendar" />
          <span class="num range-label">{label}</span>
          <Icon name="down" size={12} />
        </>
      }
    >
      {(close) => (
        <div class="range-menu">
          {clearable && (
            <button
              type="button"
              class="menu-item"
              aria-pressed={range.kind === 'none'}
              onClick={() => {
                setParams({ range: null, from: null, to: null, page: null })
                close()
              }}
            >
              {none}
            </button>
          )}
          {presets.map((p) => (
            <button
              key={p.id}
              type="button"
              class="menu-item"
              aria-pressed={(range.kind === 'preset' && range.id === p.id) || (range.kind === 'none' && p.label === none)}
              onClick={() => {
                setParams({ range: p.id, from: null, to: null, page: null })
                close()
              }}
            >
              {p.label}
            </button>
          ))}
          <Custom range={range} zone={zone} onDone={close} />
        </div>
      )}
    </Menu>
  )
}

export function rangeLabel(range: Range, zone: string, none: string): string {
  switch (range.kind) {
    case 'none':
      return none
    case 'preset':
      return presets.find((p) => p.id === range.id)!.label
    case 'custom':
      if (range.from && range.to) return `${shortTime(range.from, zone)} – ${shortTime(range.to, zone)}`
      return range.from ? `from ${time(range.from, zone)}` : `until ${time(range.to, zone)}`
  }
}

function Custom({ range, zone, onDone }: { range: Range; zone: string; onDone(): void }) {
  const [from, setFrom] = useState(() => (range.kind === 'custom' ? toField(range.from, zone) : ''))
  const [to, setTo] = useState(() => (range.kind === 'custom' ? toField(range.to, zone) : ''))
  const a = fromField(from, zone)
  const b = fromField(to, zone)
  const wrong = a !== null && b !== null && millis(a) >= millis(b) ? 'The end must lie after the start.' : null
  return (
    <form
      class="range-custom"
      onSubmit={(e) => {
        e.preventDefault()
        if (wrong || (a === null && b === null)) return
        setParams({ range: null, from: a, to: b, page: null })
        onDone()
      }}
    >
      <span class="menu-head">Custom ({zone})</span>
      <label>
        From
        <input class="field" type="datetime-local" step="1" value={from} onInput={(e) => setFrom(e.currentTarget.value)} />
      </label>
      <label>
        Until, not included
        <input class="field" type="datetime-local" step="1" value={to} aria-invalid={wrong !== null} onInput={(e) => setTo(e.currentTarget.value)} />
      </label>
      {wrong && (
        <p class="field-error" role="alert">
          {wrong}
        </p>
      )}
      <button type="submit" class="button primary" disabled={wrong !== null || (a === null && b === null)}>
        Apply
      </button>
    </form>
  )
}

/** toField is an instant as the value of a datetime-local field: local time of the zone. */
export function toField(text: string | null, zone: string): string {
  if (text === null) return ''
  const ms = millis(text)
  if (Number.isNaN(ms)) return ''
  const l = localOf(ms, zone)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${String(l.year).padStart(4, '0')}-${two(l.month)}-${two(l.day)}T${two(l.hour)}:${two(l.minute)}:${two(l.second)}`
}

/** fromField is the instant of such a value; null where it is none. */
export function fromField(value: string, zone: string): string | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(value)
  if (!m) return null
  const [year, month, day, hour, minute, second] = m.slice(1).map((s) => Number(s ?? 0)) as [number, number, number, number, number, number]
  return fromMillis(instantOf({ year, month, day, hour, minute, second }, zone))
}
