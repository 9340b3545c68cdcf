// The runs as a tree, with bars of their time, tokens and cost.
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { compact, count, duration, usd } from '../format'
import { lookOf } from './RunIcon'
import { isSum, RowList } from './rowlist'
import type { RowsProps } from './view'

/** The tree view. */
export function TreeView(p: RowsProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  return (
    <RowList
      {...p}
      name="Tree"
      scroller={scroller}
      above={26}
      head={
        <div class="rs-head" role="none" aria-hidden="true">
          <span class="rs-row-name">Run</span>
          <span class="rs-cell-bar" />
          <span class="rs-cell">Duration</span>
          <span class="rs-cell tokens">Tokens</span>
          <span class="rs-cell cost">Cost</span>
        </div>
      }
      cells={(i) => <Cells p={p} run={i} />}
    />
  )
}

function Cells({ p, run: i }: { p: RowsProps; run: number }): JSX.Element {
  const f = p.forest
  const r = f.runs[i]!
  const share = (ms: number) => `${((ms / (f.span || 1)) * 100).toFixed(3)}%`
  const tokens = r.total_tokens ?? f.tokens[i]
  const cost = r.total_cost_usd ?? f.cost[i]
  return (
    <>
      <span class="rs-cell-bar" aria-hidden="true">
        <i
          class="rs-bar"
          data-look={lookOf(r)}
          data-status={r.status}
          data-path={p.path.on.has(i)}
          style={{ insetInlineStart: `min(${share(f.start[i]!)}, 100% - 3px)`, width: share(f.end[i]! - f.start[i]!) }}
        />
      </span>
      <span class="rs-cell num">{duration(r.duration_ms)}</span>
      <Sum name="tokens" value={tokens} text={tokens === undefined ? '' : compact(tokens)} full={`${count(tokens)} tokens`} sum={isSum(f, i, r.total_tokens)} />
      <Sum name="cost" value={cost} text={Number.isNaN(cost) ? '' : usd(cost)} full={`${cost} USD`} sum={isSum(f, i, r.total_cost_usd)} />
    </>
  )
}

interface SumProps {
  name: 'tokens' | 'cost'
  value: number | undefined
  text: string
  full: string
  sum: boolean
}

function Sum({ name, value, text, full, sum }: SumProps): JSX.Element {
  if (value === undefined || Number.isNaN(value)) return <span class={`rs-cell num ${name}`} />
  return (
    <span class={`rs-cell num ${name}`} data-sum={sum} title={sum ? `${full} in the runs below` : full}>
      {text}
    </span>
  )
}
