// The prompt of a model as the messages it was, with tool calls and pictures.
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { plainText, whyNoImage, type Conversation, type Message, type Part } from './conversation'
import { plural } from '../format'
import { Icon } from '../ui/icons'
import { decode, items, kind, pretty, type Json } from './json'
import { JsonView, LongText } from './JsonView'
import { UserText } from './Text'
import { CopyButton, Section } from './ValueSection'

/** So many messages are shown at first: the last ones, which are the new ones in a loop. */
const FIRST = 30

/** A conversation, and a way to load the rest of one that was cut. */
export function ConversationView({
  conversation: c,
  more,
}: {
  conversation: Conversation
  more?: (() => void) | undefined
}): JSX.Element {
  const [all, setAll] = useState(false)
  const hidden = all ? 0 : Math.max(0, c.messages.length - FIRST)
  return (
    <Section title="Conversation" tools={<CopyButton what="conversation" text={() => plainText(c)} />}>
      <ol class="rs-messages">
        {hidden > 0 && (
          <li>
            <button type="button" class="rs-more" onClick={() => setAll(true)}>
              Show {plural(hidden, 'earlier message')}
            </button>
          </li>
        )}
        {c.messages.slice(hidden).map((m, i) => (
          <MessageView key={hidden + i} message={m} />
        ))}
      </ol>
      {c.cut && (
        <p class="rs-part">
          The prompt is not loaded whole.
          {more && (
            <button type="button" class="rs-more" onClick={more}>
              Load more
            </button>
          )}
        </p>
      )}
      {c.tools && <Offered title={`Tools offered (${items(c.tools).length})`} value={c.tools} />}
      {c.format && <Offered title="Response format" value={c.format} />}
    </Section>
  )
}

function Offered({ title, value }: { title: string; value: Json }): JSX.Element {
  return (
    <details class="rs-offered">
      <summary>{title}</summary>
      <JsonView value={value} label={title} />
    </details>
  )
}

function MessageView({ message: m }: { message: Message }): JSX.Element {
  return (
    <li class="rs-message" data-role={m.role} data-side={m.side}>
      <div class="rs-role">
        <span>{m.role}</span>
        {m.name && (
          <span class="rs-role-name">
            <UserText text={m.name} />
          </span>
        )}
        {m.side === 'output' && <span class="rs-badge">answer</span>}
        {m.finish && m.finish !== 'stop' && <span class="rs-badge">{m.finish}</span>}
      </div>
      {m.parts.length === 0 && <p class="rs-none">empty</p>}
      {m.parts.map((p, i) => (
        <PartView key={i} part={p} />
      ))}
    </li>
  )
}

function PartView({ part: p }: { part: Part }): JSX.Element {
  switch (p.kind) {
    case 'text':
      return (
        <div class="rs-part-text">
          <LongText value={p.value} />
        </div>
      )
    case 'reasoning':
      return (
        <details class="rs-reasoning" open>
          <summary>Reasoning</summary>
          <LongText value={p.value} />
        </details>
      )
    case 'json':
      return <JsonView value={p.value} label="Part of a message" />
    case 'image':
      return <Picture url={p.url} cut={p.cut} />
    case 'call':
      return (
        <div class="rs-call">
          <div class="rs-call-head">
            <Icon name="tools" />
            <UserText text={p.name} class="mono" />
            {p.id && <span class="rs-call-id mono">{p.id.slice(0, 64)}</span>}
          </div>
          {p.args &&
            (kind(p.args) === 'string' ? (
              <LongText value={p.args} />
            ) : (
              <JsonView value={p.args} label={`Arguments of ${p.name}`} />
            ))}
        </div>
      )
    case 'result':
      return (
        <div class="rs-call">
          <div class="rs-call-head">
            Result
            {p.id && <span class="rs-call-id mono">{p.id.slice(0, 64)}</span>}
          </div>
          {kind(p.value) === 'string' ? <LongText value={p.value} /> : <JsonView value={p.value} label="Result of a tool" />}
        </div>
      )
  }
}

function Picture({ url, cut }: { url: string; cut: boolean }): JSX.Element {
  const [broken, setBroken] = useState(false)
  const why = broken ? 'not a picture that can be read' : whyNoImage(url, cut)
  if (!why) return <img class="rs-picture" src={url} alt="Picture in the message" onError={() => setBroken(true)} />
  return (
    <p class="rs-none">
      A picture, {why}: <UserText text={url.slice(0, 120)} class="mono" />
      {url.length > 120 && '…'}
    </p>
  )
}

/** The text of a value for a clipboard or a short line. */
export function textOf(v: Json): string {
  return kind(v) === 'string' ? decode(v) : pretty(v)
}
