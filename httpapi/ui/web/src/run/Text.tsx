// Text of users: shown as it is, never as HTML, in its own direction, with
// marks for characters that cannot be seen.
import type { JSX } from 'preact'
import { hasHidden, oneLine, pieces } from './chars'

/** A text of one or many lines. */
export function UserText({ text, class: cls = '' }: { text: string; class?: string }): JSX.Element {
  return <span class={`rs-text ${cls}`}>{withMarks(text)}</span>
}

function withMarks(text: string): JSX.Element | string | (JSX.Element | string)[] {
  if (!hasHidden(text)) return text
  return pieces(text).map((p) =>
    p.mark ? (
      <span class="rs-hidden-char" title={p.mark}>
        {p.text}
      </span>
    ) : (
      p.text
    ),
  )
}

/** A name or another short text on one line, cut with an ellipsis. */
export function Line({ text, class: cls = '' }: { text: string; class?: string }): JSX.Element {
  const line = oneLine(text)
  return (
    <bdi class={`rs-line ${cls}`} title={oneLine(text, 1000)}>
      {line || '“”'}
    </bdi>
  )
}
