// The columns of the table and the choice among them.
import type { ComponentChildren } from 'preact'
import { count, duration, exactDuration, exactUsd, time, unknown, usd } from '../format'
import { setParams } from '../state'
import { Icon } from '../ui/icons'
import { Menu } from '../ui/menu'
import { UserText } from '../ui/text'
import type { Row } from './rows'

export interface Column {
  id: string
  label: string
  /** Numbers stand at the right. */
  num?: boolean
  /** Exact value, shown when the pointer rests on the cell. */
  title?(row: Row, zone: string): string
  /** Absent for the columns that the row itself draws. */
  show?(row: Row, zone: string): ComponentChildren
}

const text = (s: string | null | undefined) => (s ? <UserText text={s} /> : <span class="none">{unknown}</span>)
const list = (l: readonly string[] | null) => (l && l.length > 0 ? text(l.join(', ')) : text(null))

export const columns: readonly Column[] = [
  { id: 'status', label: 'Status' },
  { id: 'name', label: 'Name', show: (r) => text(r.name), title: (r) => r.name ?? '' },
  { id: 'input', label: 'Input' },
  { id: 'output', label: 'Output' },
  { id: 'cost', label: 'Cost', num: true, show: (r) => usd(r.usage.total_tokens_cost_usd), title: costTitle },
  { id: 'tokens', label: 'Tokens', num: true, show: (r) => count(r.usage.total_tokens), title: tokenTitle },
  { id: 'duration', label: 'Duration', num: true, show: (r) => duration(r.duration_ms), title: (r) => exactDuration(r.duration_ms) },
  { id: 'start', label: 'Start', num: true, show: (r, zone) => time(r.started_at, zone), title: (r) => r.started_at },
  { id: 'end', label: 'End', num: true, show: (r, zone) => time(r.ended_at, zone), title: (r) => r.ended_at ?? '' },
  { id: 'id', label: 'Trace id', show: (r) => <span class="mono">{text(r.id)}</span>, title: (r) => r.id },
  { id: 'runs', label: 'Runs', num: true, show: (r) => count(r.run_count) },
  { id: 'models', label: 'Models', show: (r) => list(r.models) },
  { id: 'prompt', label: 'Prompt tokens', num: true, show: (r) => count(r.usage.prompt_tokens) },
  { id: 'completion', label: 'Completion tokens', num: true, show: (r) => count(r.usage.completion_tokens) },
  { id: 'session', label: 'Session', show: (r) => text(r.session_id) },
  { id: 'user', label: 'User', show: (r) => text(r.user_id) },
  { id: 'version', label: 'Version', show: (r) => text(r.version) },
  { id: 'environment', label: 'Environment', show: (r) => text(r.environment) },
  { id: 'source', label: 'Source', show: (r) => text(r.source_id) },
  { id: 'tags', label: 'Tags', show: (r) => list(r.tags) },
  { id: 'updated', label: 'Updated', num: true, show: (r, zone) => time(r.updated_at, zone), title: (r) => r.updated_at },
]

function costTitle(r: Row): string {
  const u = r.usage
  const split = `prompt ${exactUsd(u.prompt_tokens_cost_usd)}, completion ${exactUsd(u.completion_tokens_cost_usd)}`
  const gap = u.unpriced_count > 0 ? `; ${count(u.unpriced_count)} calls without a known price` : ''
  return `${exactUsd(u.total_tokens_cost_usd)}: ${split}${gap}`
}

function tokenTitle(r: Row): string {
  return `prompt ${count(r.usage.prompt_tokens)}, completion ${count(r.usage.completion_tokens)}`
}

const standard = ['status', 'name', 'input', 'output', 'cost', 'tokens', 'duration', 'start']

/** chosenColumns are those that the address names in cols, in the order of the table; status is always there. */
export function chosenColumns(cols: string | null): Column[] {
  const wanted = new Set(cols?.split(',') ?? standard)
  return columns.filter((c) => c.id === 'status' || wanted.has(c.id))
}

export function ColumnPicker({ q }: { q: URLSearchParams }) {
  const on = new Set(chosenColumns(q.get('cols')).map((c) => c.id))
  const set = (ids: string[]) => setParams({ cols: ids.join(',') === standard.join(',') ? null : ids.join(',') }, { replace: true })
  return (
    <Menu label="Columns" align="right" face={<><Icon name="columns" /> Columns</>}>
      {() => (
        <div class="columns-menu">
          {columns.map((c) => (
            <label key={c.id} class="menu-item">
              <input
                type="checkbox"
                checked={on.has(c.id)}
                disabled={c.id === 'status'}
                onChange={() => set(columns.filter((x) => (x.id === c.id ? !on.has(x.id) : on.has(x.id))).map((x) => x.id))}
              />
              {c.label}
            </label>
          ))}
          <button type="button" class="menu-item" onClick={() => set(standard)}>
            Usual columns
          </button>
        </div>
      )}
    </Menu>
  )
}
