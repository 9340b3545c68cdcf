// What went wrong, and what to do about it.
import type { ApiError } from '../api'
import { Icon } from './icons'

/** advice is what a reader can do about an error. */
export function advice(e: ApiError): string {
  switch (e.status) {
    case 0:
      return 'Start the server, or check the network, and try again.'
    case 401:
      return 'Sign in with a valid token.'
    case 403:
      return 'Sign in with a token that holds this right; “tracebed token create --rights read” makes one.'
    case 404:
      return 'It may have been deleted, or lie outside of what your token may see.'
    case 400:
      return 'Change what is named above.'
    case 503:
      return e.retryAfter === null ? 'Try again in a moment.' : `Try again in ${e.retryAfter} s.`
  }
  return e.status >= 500 ? 'The log of the server says more.' : 'Try again.'
}

export function ErrorNotice({ error, what, onRetry }: { error: ApiError; what: string; onRetry?: () => void }) {
  const details = Object.entries(error.details)
  return (
    <div class="notice bad error-notice" role="alert">
      <Icon name="warn" />
      <div>
        <strong>{what}</strong>
        <p>
          {error.message}
          {/[.!?]$/.test(error.message) ? '' : '.'} {advice(error)}
        </p>
        {details.length > 0 && (
          <ul>
            {details.map(([field, text]) => (
              <li key={field}>
                <code>{field}</code>: {text}
              </li>
            ))}
          </ul>
        )}
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}
