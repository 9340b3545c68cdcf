// Signing in with a token.
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api'
import { session } from '../session'
import { Icon } from '../ui/icons'
import { Logo } from './Logo'

export function SignIn({ reason }: { reason: string | null }) {
  const [token, setToken] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])

  const submit = async (e: Event) => {
    e.preventDefault()
    const text = token.trim()
    if (!text || busy) return
    setBusy(true)
    setError(null)
    try {
      await session.signIn(text)
    } catch (err) {
      setError(problem(err))
      setBusy(false)
      input.current?.focus()
    }
  }

  return (
    <main class="sign-in">
      <form class="panel" onSubmit={(e) => void submit(e)}>
        <Logo />
        <h1>Sign in</h1>
        {reason && (
          <p class="notice bad" role="alert">
            {reason}
          </p>
        )}
        <label for="token">Token</label>
        <input
          id="token"
          ref={input}
          class="field mono"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          placeholder="tb_…"
          value={token}
          aria-invalid={error !== null}
          aria-describedby="token-help token-error"
          onInput={(e) => setToken(e.currentTarget.value)}
        />
        <p id="token-error" class="field-error" role="alert">
          {error}
        </p>
        <button type="submit" class="button primary" disabled={busy || token.trim() === ''}>
          <Icon name="key" />
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="token-help" class="hint">
          The first start of the server prints a link that signs in by itself. Another token:
          <code>tracebed token create NAME --rights read</code>
        </p>
      </form>
    </main>
  )
}

function problem(err: unknown): string {
  if (!(err instanceof ApiError)) return String(err)
  if (err.status === 401) return `The server refused it: ${err.message}. Check that it is whole and of this server.`
  if (err.status === 403) return `${err.message}. Make a token with the right to read: tracebed token create NAME --rights read.`
  return err.message
}
