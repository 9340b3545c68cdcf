// An input or output, whole and in place. Long ones are shown in parts.
import { useMemo, useState } from 'preact/hooks'
import { call, path, text as fetchText } from '../api'
import { count } from '../format'
import { keyOf, useLoad } from '../load'
import { decode, kind, parse, pretty } from '../run/json'
import { save } from '../save'
import { ErrorNotice } from '../ui/error'
import { UserText } from '../ui/text'
import type { UserValue } from './rows'

/** Characters that are shown at first, and more with each click. */
const part = 64 << 10
const more = 256 << 10

export interface ValueProps {
  app: string
  traceId: string
  field: 'input' | 'output' | 'error'
  value: UserValue
}

export function Value({ app, traceId, field, value }: ValueProps) {
  const at = path('v1', 'apps', app, 'traces', traceId, field)
  const whole = useLoad<string>(async (signal) => (value.truncated ? fetchText(at, { signal }) : value.text), keyOf(at, value.text, value.truncated))
  const [limit, setLimit] = useState(part)
  const text = whole.data
  const shown = useMemo(() => {
    if (text === null) return ''
    const v = parse(text.slice(0, limit), limit < text.length)
    return kind(v) === 'string' ? decode(v) : pretty(v)
  }, [text, limit])
  const download = async () => save(await (await call(at)).blob(), `${traceId}-${field}.json`)
  return (
    <div class="value" data-field={field}>
      {whole.error && <ErrorNotice error={whole.error} what={`The ${field} could not be loaded`} onRetry={whole.reload} />}
      {text === null ? !whole.error && <div class="skeleton line wide" /> : text === 'null' ? <span class="none">null</span> : <UserText text={shown} block />}
      {text !== null && limit < text.length && (
        <p class="row">
          <span class="hint">
            {count(limit)} of {count(text.length)} characters
          </span>
          <button type="button" class="button" onClick={() => setLimit(limit + more)}>
            Show more
          </button>
          <button type="button" class="button" onClick={() => void download()}>
            Download all
          </button>
        </p>
      )}
    </div>
  )
}
