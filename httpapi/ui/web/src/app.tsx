// The page: who is signed in, which tab, and the sheet over it.
import { lazy } from './lazy'
import { session } from './session'
import { setParams, useParams } from './state'
import { useStore } from './store'

const RunSheet = lazy(() => import('./run/RunSheet'))

export function App() {
  const who = useStore(session.state)
  const q = useParams()
  if (who.kind !== 'in') return <main>{who.kind}</main>
  const app = q.get('app')
  const trace = q.get('trace')
  return (
    <main>
      {app !== null && trace !== null && (
        <RunSheet
          app={app}
          traceId={trace}
          runId={q.get('run')}
          onClose={() => setParams({ trace: null, run: null, view: null })}
          onSelectRun={(run) => setParams({ run }, { replace: true })}
        />
      )}
    </main>
  )
}
