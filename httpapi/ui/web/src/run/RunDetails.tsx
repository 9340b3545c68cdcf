// The right side when a run is selected: what it was given, what it gave, how
// long it took, its attempts, and the conversation of a model.
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { attemptsOf, type Attempt } from './attempts'
import { conversationOf } from './conversation'
import { ConversationView } from './ConversationView'
import { errorOf } from './config'
import { ErrorBanner, Facts, type Fact } from './Facts'
import { count, duration, timeMillis, usd } from '../format'
import type { Forest } from './forest'
import { get, kind, num, raw, str, type Json } from './json'
import { JsonView } from './JsonView'
import { UserText } from './Text'
import { Section, useValue, ValueSection, type Place } from './ValueSection'
import type { Doc } from './values'

interface Props {
  forest: Forest
  run: number
  doc: Doc
  place: Place
  zone: string | undefined
}

/** The details of a run. */
export function RunDetails({ forest: f, run: i, doc, place, zone }: Props): JSX.Element {
  const input = useValue(place, 'input', doc.value('input'))
  const output = useValue(place, 'output', doc.value('output'))
  const metadata = useValue(place, 'metadata', doc.value('metadata'))
  const error = useValue(place, 'error', doc.value('error'))
  const conversation = useMemo(
    () => conversationOf({ metadata: metadata.value?.json, input: input.value?.json, output: output.value?.json }),
    [metadata.value, input.value, output.value],
  )
  const attempts = useMemo(() => attemptsOf(doc.member('executions')), [doc])
  const r = f.runs[i]!
  const note = skipNote(metadata.value?.json)
  return (
    <>
      <ErrorBanner error={error.value?.json} title={r.status === 'canceled' ? 'This run was canceled' : 'This run failed'} />
      {note && <p class="rs-note">{note}</p>}
      <Facts list={figures(f, i, doc, zone)} />
      {conversation && <ConversationView conversation={conversation} more={metadata.more ?? input.more ?? output.more} />}
      <ValueSection title="Input" field="input" place={place} held={input} closed={conversation !== undefined} />
      <ValueSection
        title="Output"
        field="output"
        place={place}
        held={output}
        closed={conversation?.messages.some((m) => m.side === 'output') ?? false}
      />
      {attempts.length > 0 && <Attempts list={attempts} zone={zone} />}
      <ValueSection title="Metadata" field="metadata" place={place} held={metadata} closed />
    </>
  )
}

/** Why a run was skipped, and whether its output came from the cache. */
function skipNote(metadata: Json | undefined): JSX.Element | null {
  if (raw2(get(metadata, 'is_output_from_cache')) === 'true') return <>The output came from the cache; nothing was executed.</>
  const skipped = get(metadata, 'skip', 'failed_dependency')
  if (!skipped) return null
  const name = str(get(skipped, 'node', 'name')) ?? str(get(skipped, 'node', 'id')) ?? 'a dependency'
  const option = str(get(skipped, 'option'))
  return (
    <>
      Skipped because of <UserText text={name} />
      {option && (
        <>
          {' '}
          (option <UserText text={option} />)
        </>
      )}
      .
    </>
  )
}

function raw2(v: Json | undefined): string {
  return v ? raw(v) : ''
}

function figures(f: Forest, i: number, doc: Doc, zone: string | undefined): Fact[] {
  const r = f.runs[i]!
  const usage = doc.member('usage')
  const list: Fact[] = [
    { name: 'Duration', value: duration(r.duration_ms), exact: r.duration_ms },
    { name: 'Started', value: timeMillis(r.start_time, zone), exact: r.start_time },
    { name: 'Ended', value: r.end_time ? timeMillis(r.end_time, zone) : 'still running', exact: r.end_time },
    { name: 'After', value: duration(f.start[i]), exact: `${f.start[i]} ms after the start of the trace` },
  ]
  const add = (name: string, member: string, write: (n: number | undefined) => string) => {
    const v = get(usage, member)
    if (v) list.push({ name, value: write(num(v)), exact: raw(v) })
  }
  add('Prompt tokens', 'prompt_tokens', count)
  add('Completion tokens', 'completion_tokens', count)
  add('Total tokens', 'total_tokens', count)
  add('Cached tokens', 'cache_read_input_tokens', count)
  add('Reasoning tokens', 'reasoning_tokens', count)
  add('Prompt cost', 'prompt_tokens_cost_usd', usd)
  add('Completion cost', 'completion_tokens_cost_usd', usd)
  add(r.cost_estimated ? 'Total cost (estimated)' : 'Total cost', 'total_tokens_cost_usd', usd)
  const first = get(doc.member('metadata'), 'gen_ai', 'time_to_first_token_ms')
  if (first) list.push({ name: 'First token', value: duration(num(first)), exact: raw(first) })
  if (r.attempts) list.push({ name: 'Attempts', value: count(r.attempts), exact: r.attempts })
  if (r.model) list.push({ name: 'Model', value: <UserText text={r.model} />, exact: r.model })
  return list
}

function Attempts({ list, zone }: { list: Attempt[]; zone: string | undefined }): JSX.Element {
  return (
    <Section title={`Attempts (${list.length})`} closed={list.length === 1}>
      <table class="rs-table">
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Status</th>
            <th scope="col">Duration</th>
            <th scope="col">Started</th>
          </tr>
        </thead>
        <tbody>
          {list.map((a, k) => (
            <AttemptRows key={k} a={a} n={k + 1} zone={zone} />
          ))}
        </tbody>
      </table>
    </Section>
  )
}

function AttemptRows({ a, n, zone }: { a: Attempt; n: number; zone: string | undefined }): JSX.Element {
  const error = errorOf(a.error)
  const values = (
    [
      ['Input', a.input],
      ['Output', a.output],
    ] as const
  ).filter(([, v]) => v && kind(v) !== 'null')
  return (
    <>
      <tr>
        <td class="num">{n}</td>
        <td>
          <span class="rs-attempt" data-status={a.status}>
            {a.status}
          </span>
        </td>
        <td class="num">{duration(a.ms)}</td>
        <td class="num">{timeMillis(a.start, zone)}</td>
      </tr>
      {(error || values.length > 0) && (
        <tr class="rs-attempt-more">
          <td />
          <td colSpan={3}>
            {error && (
              <div class="rs-attempt-error">
                {error.message ? <UserText text={error.message} /> : 'failed without a message'}
                {error.traceback && (
                  <details>
                    <summary>Traceback</summary>
                    <pre tabIndex={0}>
                      <UserText text={error.traceback} />
                    </pre>
                  </details>
                )}
              </div>
            )}
            {values.map(([name, v]) => (
              <details key={name}>
                <summary>{name}</summary>
                <JsonView value={v!} label={`${name} of attempt ${n}`} />
              </details>
            ))}
          </td>
        </tr>
      )}
    </>
  )
}
