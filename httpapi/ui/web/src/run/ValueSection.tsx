// A titled value of a trace or a run: shown in part when it is long, fetched
// further on demand, copied and downloaded whole.
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, isAbort } from '../api'
import { size } from '../format'
import { Icon } from '../ui/icons'
import { kind, pretty, raw, decode } from './json'
import { JsonView, LongText } from './JsonView'
import { download, fetchValue, STEPS, type Field, type Value } from './values'

/** Where a value is. */
export interface Place {
  app: string
  traceId: string
  runId: string | null
}

export interface HeldValue {
  value: Value | undefined
  /** Fetches more of it; undefined where there is no more, or no more can be shown. */
  more?: () => void
  busy: boolean
  error: string | null
}

/** useValue holds a value that came with a document, and more of it when asked. */
export function useValue(place: Place, field: Field, first: Value | undefined): HeldValue {
  const [held, setHeld] = useState<{ of: Value | undefined; value: Value | undefined; step: number }>({
    of: first,
    value: first,
    step: 0,
  })
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const ctl = useRef<AbortController>()
  useEffect(() => () => ctl.current?.abort(), [])
  const now = held.of === first ? held : { of: first, value: first, step: 0 }
  const get = (step: number) => {
    ctl.current?.abort()
    const c = (ctl.current = new AbortController())
    setBusy(true)
    fetchValue(place.app, place.traceId, place.runId, field, STEPS[step]!, c.signal)
      .then((value) => {
        setHeld({ of: first, value, step })
        setError(null)
      })
      .catch((err: unknown) => {
        if (!isAbort(err)) setError(err instanceof ApiError ? err.message : 'The answer broke off. Try again.')
      })
      .finally(() => {
        if (ctl.current === c) setBusy(false)
      })
  }
  // A value that came cut is a string, whatever it is: its own text is fetched at once.
  const disguised = first !== undefined && first.partial && now.value === first
  useEffect(() => {
    if (disguised) get(0)
  }, [first])
  const value = disguised ? undefined : now.value
  const more = value?.partial && now.step < STEPS.length - 1 ? () => get(now.step + 1) : undefined
  return { value, busy: busy || (disguised && !error), error, ...(more ? { more } : {}) }
}

/** A section with a title, closed by a click on it. */
export function Section(props: {
  title: string
  tools?: ComponentChildren
  children: ComponentChildren
  closed?: boolean
}): JSX.Element {
  return (
    <div class="rs-section">
      <details open={!props.closed}>
        <summary>
          <Icon name="right" />
          <h3>{props.title}</h3>
        </summary>
        <div class="rs-section-body">{props.children}</div>
      </details>
      {props.tools && <div class="rs-tools">{props.tools}</div>}
    </div>
  )
}

/** Copy of a text, with a word that it is done. */
export function CopyButton({ what, text }: { what: string; text: () => string }): JSX.Element {
  const [done, setDone] = useState<string | null>(null)
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => setDone('Copied'),
      () => setDone('Copying was refused'),
    )
    setTimeout(() => setDone(null), 2000)
  }
  return (
    <button type="button" class="rs-tool" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
      <Icon name="copy" />
      <span role="status">{done ?? ''}</span>
    </button>
  )
}

/** A value with its tools. What stands in the title is named. */
export function ValueSection(props: {
  title: string
  field: Field
  place: Place
  held: HeldValue
  closed?: boolean
}): JSX.Element {
  const { title, field, place, held } = props
  const { value } = held
  const [failed, setFailed] = useState<string | null>(null)
  const save = () => {
    setFailed(null)
    download(place.app, place.traceId, place.runId, field).catch((err: unknown) =>
      setFailed(err instanceof ApiError ? err.message : 'The download broke off. Try again.'),
    )
  }
  const empty = !held.busy && (value === undefined || kind(value.json) === 'null' || kind(value.json) === 'missing')
  const tools = !empty && (
    <>
      {value && (
        <CopyButton what={title.toLowerCase() + (value.partial ? ' (what is loaded)' : '')} text={() => copyText(value)} />
      )}
      <button
        type="button"
        class="rs-tool"
        aria-label={`Download ${title.toLowerCase()}`}
        title={`Download ${title.toLowerCase()}, whole`}
        onClick={save}
      >
        <Icon name="download" />
      </button>
    </>
  )
  return (
    <Section title={title} tools={tools} closed={props.closed ?? false}>
      {empty ? <p class="rs-none">none</p> : value && <ValueBody value={value} label={title} />}
      {held.busy && <div class="skeleton rs-skeleton" role="status" aria-label={`Loading ${title.toLowerCase()}`} />}
      {value?.partial && (
        <p class="rs-part">
          Shown in part: the first {size(value.json.text.length)}.
          {held.more && (
            <button type="button" class="rs-more" disabled={held.busy} onClick={held.more}>
              Load more
            </button>
          )}
          <button type="button" class="rs-more" onClick={save}>
            Download it whole
          </button>
        </p>
      )}
      {(held.error ?? failed) && (
        <p class="field-error" role="alert">
          {held.error ?? failed}
        </p>
      )}
    </Section>
  )
}

function ValueBody({ value, label }: { value: Value; label: string }): JSX.Element {
  if (kind(value.json) === 'string') {
    return (
      <div class="rs-textbox">
        <LongText value={value.json} />
      </div>
    )
  }
  return <JsonView value={value.json} label={label} />
}

function copyText(v: Value): string {
  if (kind(v.json) === 'string') return decode(v.json)
  return v.partial ? raw(v.json) : pretty(v.json)
}
