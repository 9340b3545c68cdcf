// The page: who is signed in, which app and tab, and the sheet over it.
import { useEffect, useState } from 'preact/hooks'
import { useKeys } from './keys'
import { lazy } from './lazy'
import { refreshNow, useLive } from './live'
import { useLoad } from './load'
import { Monitoring } from './monitoring/Monitoring'
import { session } from './session'
import { chooseApp, lastApp, loadApps, rememberApp } from './shell/apps'
import { Empty } from './shell/Empty'
import { Header } from './shell/Header'
import { Help } from './shell/Help'
import { SignIn } from './shell/SignIn'
import { openTab, tabOf, useWarmTab, type Tab } from './shell/tabs'
import { setParams, useParams } from './state'
import { useStore } from './store'
import { Traces } from './traces/Traces'
import type { SessionInfo } from './types'
import { ErrorNotice } from './ui/error'

const RunSheet = lazy(() => import('./run/RunSheet'))

export function App() {
  const who = useStore(session.state)
  switch (who.kind) {
    case 'out':
      return <SignIn reason={who.reason} />
    case 'unknown':
      return (
        <main class="center">
          <ErrorNotice error={who.error} what="Tracebed did not answer" onRetry={() => void session.retry()} />
        </main>
      )
    case 'checking':
      return <main class="center" aria-busy="true" />
    case 'in':
      return who.info.rights.includes('read') ? <Page info={who.info} /> : <NoRight info={who.info} />
  }
}

function Page({ info }: { info: SessionInfo }) {
  const q = useParams()
  const [help, setHelp] = useState(false)
  const apps = useLoad(loadApps, 'apps')
  useLive(apps.reload)
  const wanted = q.get('app')
  const app = apps.data || wanted ? chooseApp(wanted, lastApp(), apps.data?.list ?? []) : null
  const tab = tabOf(q)
  const trace = q.get('trace')

  useEffect(() => {
    if (app === null) return
    rememberApp(app)
    document.title = `${tab === 'traces' ? 'Traces' : 'Monitoring'} · ${app} · Tracebed`
    if (wanted === null) setParams({ app }, { replace: true })
  }, [app, wanted, tab])

  const known = apps.data?.list.find((a) => a.id === app)
  const empty = apps.data !== null && !apps.data.more && (known?.trace_count ?? 0) === 0
  const go = (t: Tab) => () => app !== null && openTab(app, t)
  useKeys({ '?': () => setHelp(true), '1': go('monitoring'), '2': go('traces'), r: refreshNow })
  useWarmTab(apps.data && !empty ? app : null, tab)

  if (app === null) {
    return <main class="center">{apps.error && <ErrorNotice error={apps.error} what="The apps could not be listed" onRetry={apps.reload} />}</main>
  }
  const content = tab === 'traces' ? <Traces key={app} app={app} /> : <Monitoring key={app} app={app} />
  return (
    <>
      <a class="skip-link" href="#content" onClick={(e) => (e.preventDefault(), document.getElementById('content')?.focus())}>
        Skip to the content
      </a>
      <Header apps={apps.data ?? { list: [], more: false }} app={app} tab={tab} info={info} onHelp={() => setHelp(true)} />
      <main id="content" tabIndex={-1} class={tab}>
        <h1 class="sr-only">{tab === 'traces' ? 'Traces' : 'Monitoring'}</h1>
        {apps.error && apps.data === null && <ErrorNotice error={apps.error} what="The apps could not be listed" onRetry={apps.reload} />}
        {empty ? <Empty app={app} /> : apps.data && content}
      </main>
      {trace !== null && (
        <RunSheet
          key={trace}
          app={app}
          traceId={trace}
          runId={q.get('run')}
          onClose={() => setParams({ trace: null, run: null, view: null })}
          onSelectRun={(run) => setParams({ run }, { replace: true })}
        />
      )}
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  )
}

function NoRight({ info }: { info: SessionInfo }) {
  return (
    <main class="center">
      <div class="notice bad" role="alert">
        <strong>This token may not read</strong>
        <p>
          The token “{info.name}” holds the rights {info.rights.join(', ')}. Make one that may read: <code>tracebed token create NAME --rights read</code>
        </p>
        <button type="button" class="button" onClick={() => session.signOut()}>
          Sign in with another token
        </button>
      </div>
    </main>
  )
}
