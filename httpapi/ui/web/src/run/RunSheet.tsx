// The side sheet of one trace.
import { json, path, type Answer } from '../api'
import { useLoad } from '../load'
import type { TraceRow } from '../types'

export interface RunSheetProps {
  app: string
  traceId: string
  /** The run that is selected; null = the trace as a whole. */
  runId: string | null
  onClose(): void
  onSelectRun(runId: string | null): void
}

export default function RunSheet({ app, traceId, onClose }: RunSheetProps) {
  const trace = useLoad(
    (signal) => json<Answer<TraceRow>>(path('v1', 'apps', app, 'traces', traceId), { query: { preview: 65536 }, signal }),
    [app, traceId],
  )
  return (
    <div class="sheet" role="dialog" aria-modal="true" aria-label="Run tree">
      <button type="button" class="button" onClick={onClose}>
        Close
      </button>
      {trace.error && <p role="alert">{trace.error.message}</p>}
      {trace.data && <pre>{JSON.stringify(trace.data.data, null, 2)}</pre>}
    </div>
  )
}
