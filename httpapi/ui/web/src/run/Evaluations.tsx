// The EVALUATION tab: what was recorded for a trace, and a form to add one.
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, text, call } from '../api'
import { useLoad } from '../load'
import { session } from '../session'
import { timeMillis } from '../format'
import type { Forest } from './forest'
import { label } from './forest'
import { get, items, kind, num, parse, raw, str, type Json } from './json'
import { LongText } from './JsonView'
import { UserText } from './Text'
import { pathOf } from './values'

interface Props {
  app: string
  traceId: string
  /** The run that a new evaluation is of; null = the trace. */
  runId: string | null
  forest: Forest
  onSelectRun(run: number): void
  zone: string | undefined
}

/** The tab. */
export function Evaluations(p: Props): JSX.Element {
  const place = pathOf(p.app, p.traceId, null, 'evaluations')
  const list = useLoad(async (signal) => items(get(parse(await text(place, { signal })), 'data')), place)
  return (
    <div class="rs-evaluations">
      {list.error && (
        <p class="notice bad" role="alert">
          The evaluations could not be loaded: {list.error.message}{' '}
          <button type="button" class="button" onClick={list.reload}>
            Try again
          </button>
        </p>
      )}
      {list.data?.length === 0 && (
        <p class="rs-none">
          Nothing was recorded for this trace yet. Add the first evaluation below, or send one with POST …/evaluations.
        </p>
      )}
      {list.data && list.data.length > 0 && (
        <ul class="rs-scores">
          {list.data.map((e) => (
            <Score key={str(get(e, 'id'))} evaluation={e} p={p} />
          ))}
        </ul>
      )}
      {!list.data && list.loading && <div class="skeleton rs-skeleton" role="status" aria-label="Loading evaluations" />}
      {session.can('write') ? (
        <Form place={place} runId={p.runId} added={list.reload} />
      ) : (
        <p class="rs-none">To add an evaluation, sign in with a token that has the right “write”.</p>
      )}
    </div>
  )
}

function Score({ evaluation: e, p }: { evaluation: Json; p: Props }): JSX.Element {
  const value = get(e, 'value')
  const runId = str(get(e, 'run_id'))
  const run = runId === undefined ? undefined : p.forest.byId.get(runId)
  const source = str(get(e, 'source'))
  const comment = get(e, 'comment')
  return (
    <li class="rs-score" data-id={str(get(e, 'id'))}>
      <div class="rs-score-head">
        <b>
          <UserText text={str(get(e, 'name')) ?? ''} />
        </b>
        <span class="rs-score-value num" data-kind={kind(value)}>
          {value && (kind(value) === 'string' ? <LongText value={value} /> : raw(value))}
        </span>
      </div>
      {comment && (
        <p class="rs-comment">
          <LongText value={comment} />
        </p>
      )}
      <div class="rs-score-foot">
        <time dateTime={str(get(e, 'created_at'))}>{timeMillis(str(get(e, 'created_at')), p.zone)}</time>
        {source && <UserText text={source} />}
        {runId !== undefined && (
          <button
            type="button"
            class="rs-more"
            disabled={run === undefined}
            onClick={() => run !== undefined && p.onSelectRun(run)}
          >
            of {run === undefined ? runId : label(p.forest.runs[run]!)}
          </button>
        )}
      </div>
    </li>
  )
}

type Kind = 'number' | 'bool' | 'text'

/** The JSON text of a value as typed; a string where it cannot be one says why. */
export function valueText(kind: Kind, typed: string): { json: string } | { wrong: string } {
  if (kind === 'bool') return { json: typed === 'false' ? 'false' : 'true' }
  if (kind === 'text') return typed ? { json: JSON.stringify(typed) } : { wrong: 'Write a text.' }
  const t = typed.trim()
  const v = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(t) ? num(parse(t)) : undefined
  return v === undefined ? { wrong: 'Write a number, such as 0.9.' } : { json: t }
}

function Form({ place, runId, added }: { place: string; runId: string | null; added(): void }): JSX.Element {
  const [kind, setKind] = useState<Kind>('number')
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({})
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState('')
  const submit = (e: SubmitEvent) => {
    e.preventDefault()
    const form = e.currentTarget as HTMLFormElement
    const field = (name: string) => String(new FormData(form).get(name) ?? '')
    const value = valueText(kind, field('value'))
    if (!field('name')) return setWrong({ name: 'Give it a name, such as relevance.' })
    if ('wrong' in value) return setWrong({ value: value.wrong })
    setWrong({})
    setBusy(true)
    setDone('')
    send(place, field('name'), value.json, field('comment'), field('of') === 'run' ? runId : null)
      .then(() => {
        setDone('The evaluation was added.')
        form.reset()
        added()
      })
      .catch((err: unknown) => setWrong(problems(err)))
      .finally(() => setBusy(false))
  }
  return (
    <form class="rs-form" onSubmit={submit} noValidate aria-label="Add an evaluation">
      <h3>Add an evaluation</h3>
      <Field name="name" title="Name" wrong={wrong.name}>
        <input id="rs-ev-name" name="name" class="field" autoComplete="off" {...invalid('name', wrong)} />
      </Field>
      <Field name="value" title="Value" wrong={wrong.value}>
        <span class="rs-value-field">
          <select class="select" aria-label="Kind of value" value={kind} onChange={(e) => setKind(e.currentTarget.value as Kind)}>
            <option value="number">Number</option>
            <option value="bool">Yes or no</option>
            <option value="text">Text</option>
          </select>
          {kind === 'bool' ? (
            <select id="rs-ev-value" name="value" class="select">
              <option value="true">true</option>
              <option value="false">false</option>
            </select>
          ) : (
            <input
              id="rs-ev-value"
              name="value"
              class="field"
              autoComplete="off"
              inputMode={kind === 'number' ? 'decimal' : 'text'}
              {...invalid('value', wrong)}
            />
          )}
        </span>
      </Field>
      <Field name="comment" title="Comment" wrong={wrong.comment}>
        <textarea id="rs-ev-comment" name="comment" class="field" rows={3} {...invalid('comment', wrong)} />
      </Field>
      {runId !== null && (
        <Field name="of" title="Of" wrong={wrong.run_id}>
          <select id="rs-ev-of" name="of" class="select">
            <option value="run">the selected run</option>
            <option value="trace">the whole trace</option>
          </select>
        </Field>
      )}
      {wrong[''] && (
        <p class="field-error" role="alert">
          {wrong['']}
        </p>
      )}
      <div class="rs-form-foot">
        <button type="submit" class="button primary" disabled={busy}>
          Add evaluation
        </button>
        <span role="status">{done}</span>
      </div>
    </form>
  )
}

function invalid(name: string, wrong: Readonly<Record<string, string>>) {
  return wrong[name] ? { 'aria-invalid': true as const, 'aria-describedby': `rs-ev-${name}-wrong` } : {}
}

function Field(p: { name: string; title: string; wrong: string | undefined; children: JSX.Element }): JSX.Element {
  return (
    <div class="rs-field">
      <label for={`rs-ev-${p.name}`}>{p.title}</label>
      {p.children}
      {p.wrong && (
        <span class="field-error" id={`rs-ev-${p.name}-wrong`} role="alert">
          {p.wrong}
        </span>
      )}
    </div>
  )
}

/** Sends an evaluation; the number goes as it was typed, with every digit. */
async function send(place: string, name: string, value: string, comment: string, runId: string | null): Promise<void> {
  const members = [`"name":${JSON.stringify(name)}`, `"value":${value}`, '"source":"ui"']
  if (comment) members.push(`"comment":${JSON.stringify(comment)}`)
  if (runId !== null) members.push(`"run_id":${JSON.stringify(runId)}`)
  await call(place, { method: 'POST', bodyText: `{${members.join(',')}}` })
}

/** What the server found wrong, by field; under '' what belongs to none. */
export function problems(err: unknown): Readonly<Record<string, string>> {
  if (!(err instanceof ApiError)) return { '': 'The evaluation could not be sent. Try again.' }
  const known = Object.entries(err.details).filter(([k]) => ['name', 'value', 'comment', 'run_id'].includes(k))
  return known.length ? Object.fromEntries(known) : { '': err.message }
}
