// The right side when nothing is selected: the trace as a whole.
import type { JSX } from 'preact'
import type { TraceRow } from '../types'
import { Chips, ErrorBanner, Facts, type Fact } from './Facts'
import { count, duration, timeMillis, usd } from '../format'
import { parse, raw } from './json'
import { UserText } from './Text'
import { useValue, ValueSection, type Place } from './ValueSection'
import type { Doc } from './values'

interface Props {
  trace: TraceRow
  doc: Doc
  place: Place
  zone: string | undefined
}

/** Overall input, output, duration, start, usage. */
export function TraceDetails({ trace: t, doc, place, zone }: Props): JSX.Element {
  const input = useValue(place, 'input', doc.value('input'))
  const output = useValue(place, 'output', doc.value('output'))
  const metadata = useValue(place, 'metadata', doc.value('metadata'))
  const hasMetadata = metadata.value && !['null', '{}'].includes(raw(metadata.value.json))
  return (
    <>
      <ErrorBanner
        error={doc.member('error') ?? parse(JSON.stringify(t.error ?? null))}
        title={t.status === 'failed' ? 'The trace failed' : 'Error'}
      />
      <Facts list={figures(t, zone)} />
      <ValueSection title="Input" field="input" place={place} held={input} />
      <ValueSection title="Output" field="output" place={place} held={output} />
      {hasMetadata && <ValueSection title="Metadata" field="metadata" place={place} held={metadata} closed />}
    </>
  )
}

function figures(t: TraceRow, zone: string | undefined): Fact[] {
  const u = t.usage
  const list: Fact[] = [
    { name: 'Duration', value: duration(t.duration_ms), exact: t.duration_ms },
    { name: 'Started', value: timeMillis(t.started_at, zone), exact: t.started_at },
    {
      name: 'Ended',
      value: t.ended_at ? timeMillis(t.ended_at, zone) : t.stale ? 'never: no news for long' : 'still running',
      exact: t.ended_at,
    },
    { name: 'Runs', value: count(t.run_count), exact: t.run_count },
    { name: 'Prompt tokens', value: count(u?.prompt_tokens), exact: u?.prompt_tokens },
    { name: 'Completion tokens', value: count(u?.completion_tokens), exact: u?.completion_tokens },
    { name: 'Total tokens', value: count(u?.total_tokens), exact: u?.total_tokens },
    { name: 'Prompt cost', value: usd(u?.prompt_tokens_cost_usd), exact: u?.prompt_tokens_cost_usd },
    { name: 'Completion cost', value: usd(u?.completion_tokens_cost_usd), exact: u?.completion_tokens_cost_usd },
    {
      name: 'Total cost',
      value: usd(u?.total_tokens_cost_usd) + (u?.unpriced_count ? ` + ${u.unpriced_count} without a price` : ''),
      exact: u?.total_tokens_cost_usd,
    },
  ]
  const texts: [string, string | null][] = [
    ['Session', t.session_id],
    ['User', t.user_id],
    ['Version', t.version],
    ['Environment', t.environment],
  ]
  for (const [name, text] of texts) if (text) list.push({ name, value: <UserText text={text} />, exact: text })
  if (t.models?.length) list.push({ name: 'Models', value: <Chips list={t.models} /> })
  if (t.tags?.length) list.push({ name: 'Tags', value: <Chips list={t.tags} /> })
  return list
}
