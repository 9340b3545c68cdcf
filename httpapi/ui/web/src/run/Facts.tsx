// The figures of a trace or a run, and the banner of what failed.
import type { ComponentChildren, JSX } from 'preact'
import { errorOf } from './config'
import { Icon } from '../ui/icons'
import type { Json } from './json'
import { JsonView } from './JsonView'
import { UserText } from './Text'
import { CopyButton } from './ValueSection'

/** One figure: what it is, as it is written, and exactly. */
export interface Fact {
  name: string
  value: ComponentChildren
  /** The exact value of the API, for the title and for tests. */
  exact?: string | number | null | undefined
}

/** Figures side by side. */
export function Facts({ list }: { list: Fact[] }): JSX.Element {
  return (
    <dl class="rs-facts">
      {list.map((f) => (
        <div key={f.name}>
          <dt>{f.name}</dt>
          <dd
            class="num"
            title={f.exact === undefined || f.exact === null ? undefined : String(f.exact)}
            data-exact={f.exact ?? undefined}
          >
            {f.value}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** How many characters of a message and of a traceback are shown. */
const MESSAGE = 4000
const TRACEBACK = 100_000

/** The banner of an error: its message, and its traceback when asked. */
export function ErrorBanner({ error, title }: { error: Json | undefined; title: string }): JSX.Element | null {
  const e = errorOf(error)
  if (!e) return null
  const message = e.message.length > MESSAGE ? e.message.slice(0, MESSAGE) + '…' : e.message
  return (
    <section class="rs-error" role="alert" aria-label={title}>
      <Icon name="failed" />
      <div>
        <h3>{title}</h3>
        <p>{message ? <UserText text={message} /> : 'It failed without a message.'}</p>
        {e.traceback && (
          <details>
            <summary>Traceback</summary>
            <CopyButton what="traceback" text={() => e.traceback!} />
            <pre tabIndex={0}>
              <UserText text={e.traceback.slice(0, TRACEBACK)} />
            </pre>
          </details>
        )}
        {!e.message && !e.traceback && e.other && <JsonView value={e.other} label="Error" />}
      </div>
    </section>
  )
}

/** A list of short texts. */
export function Chips({ list }: { list: readonly string[] }): JSX.Element {
  return (
    <span class="rs-chips">
      {list.map((t, i) => (
        <span key={i} class="rs-badge">
          <UserText text={t} />
        </span>
      ))}
    </span>
  )
}
