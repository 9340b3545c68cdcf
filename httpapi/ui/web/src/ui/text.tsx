// Text of users: always text, in its own direction, with marks in place of
// characters that cannot be seen.
import { hasHidden, pieces } from '../run/chars'

export function UserText({ text, block = false }: { text: string; block?: boolean }) {
  const content = hasHidden(text)
    ? pieces(text).map((p, i) =>
        p.mark === undefined ? (
          p.text
        ) : (
          <span key={i} class="hidden-char" title={p.mark}>
            {p.text}
          </span>
        ),
      )
    : text
  return block ? (
    <pre class="user-text" dir="auto" tabIndex={0}>
      {content}
    </pre>
  ) : (
    <bdi class="user-text">{content}</bdi>
  )
}
