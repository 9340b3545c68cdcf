// An app without runs: how to send the first one.
import { useState } from 'preact/hooks'
import { address, path } from '../api'
import { session } from '../session'
import { useStore } from '../store'
import { Copy } from '../ui/copy'
import { firstRun } from './snippet'

const ways = ['curl', 'Dynamiq', 'OpenTelemetry'] as const

export function Empty({ app }: { app: string }) {
  const [way, setWay] = useState<(typeof ways)[number]>('curl')
  const [start] = useState(() => Date.now())
  const who = useStore(session.state)
  const authOff = who.kind === 'in' && who.info.auth === 'off'
  const base = address('').replace(/\/$/, '')
  const text = {
    curl: firstRun(address(path('v1', 'apps', app, 'traces')), authOff, start),
    Dynamiq: dynamiq(base, authOff),
    OpenTelemetry: otel(base, app, authOff),
  }[way]
  return (
    <section class="empty panel" aria-label="No runs yet">
      <h2>
        No runs in <bdi>{app}</bdi> yet
      </h2>
      <p>Send the first one. It shows up here by itself.</p>
      <div class="segments" role="group" aria-label="Way to send">
        {ways.map((w) => (
          <button key={w} type="button" aria-pressed={w === way} onClick={() => setWay(w)}>
            {w}
          </button>
        ))}
      </div>
      <pre class="snippet" tabIndex={0} aria-label={`Snippet for ${way}`}>
        {text}
      </pre>
      <div class="row">
        <Copy text={text} label="Copy the snippet" />
        {!authOff && (
          <span class="hint">
            <code>TRACEBED_TOKEN</code> is a token with the right to write: <code>tracebed token create NAME --rights write</code>
          </span>
        )}
      </div>
    </section>
  )
}

function dynamiq(base: string, authOff: boolean): string {
  return `import os
from dynamiq.callbacks import DynamiqTracingCallbackHandler
from dynamiq.runnables import RunnableConfig

# The runs land in the app of the token.
handler = DynamiqTracingCallbackHandler(
    base_url=${JSON.stringify(base)},
    access_key=${authOff ? '"none"' : 'os.environ["TRACEBED_TOKEN"]'},
)
workflow.run(input_data={}, config=RunnableConfig(callbacks=[handler]))`
}

function otel(base: string, app: string, authOff: boolean): string {
  const auth = authOff ? '' : ',Authorization=Bearer%20$TRACEBED_TOKEN'
  return `export OTEL_EXPORTER_OTLP_ENDPOINT='${base}'
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="X-App-Id=${encodeURIComponent(app).replaceAll('$', '%24')}${auth}"`
}
