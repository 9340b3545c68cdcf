// The bar at the top: app, tabs, time zone, refresh, theme, session.
import { useMemo } from 'preact/hooks'
import { count } from '../format'
import { now, period, periods, refreshNow } from '../live'
import { session } from '../session'
import { hrefOf, setParams, useParams } from '../state'
import { useStore } from '../store'
import { theme, type Theme } from '../theme'
import type { SessionInfo } from '../types'
import { Icon, type IconName } from '../ui/icons'
import { Menu } from '../ui/menu'
import { browserZone, offsetText, zones } from '../zone'
import { setZone, zoneOf } from '../zonestate'
import type { Apps } from './apps'
import { Logo } from './Logo'
import { openTab, tabPatch, warmTab, type Tab } from './tabs'

export interface HeaderProps {
  apps: Apps
  app: string
  tab: Tab
  info: SessionInfo
  onHelp(): void
}

export function Header({ apps, app, tab, info, onHelp }: HeaderProps) {
  return (
    <header class="top">
      <Logo />
      <AppPicker apps={apps} app={app} />
      <nav class="tabs" aria-label="Views">
        <TabLink id="monitoring" label="Monitoring" tab={tab} app={app} />
        <TabLink id="traces" label="Traces" tab={tab} app={app} />
      </nav>
      <div class="top-end">
        <ZonePicker />
        <Refresh />
        <ThemePicker />
        <button type="button" class="button quiet icon help" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onHelp}>
          <Icon name="help" />
        </button>
        <Account info={info} />
      </div>
    </header>
  )
}

function TabLink({ id, label, tab, app }: { id: Tab; label: string; tab: Tab; app: string }) {
  return (
    <a
      href={hrefOf(tabPatch(id))}
      aria-current={tab === id ? 'page' : undefined}
      onPointerEnter={() => tab !== id && warmTab(app, id)}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return
        e.preventDefault()
        openTab(app, id)
      }}
    >
      {label}
    </a>
  )
}

function AppPicker({ apps, app }: { apps: Apps; app: string }) {
  const known = apps.list.some((a) => a.id === app)
  const listed = useMemo(
    () =>
      apps.list.map((a) => (
        <option key={a.id} value={a.id}>
          {`${a.id} (${count(a.trace_count)})`}
        </option>
      )),
    [apps.list],
  )
  return (
    <select
      class="select app-picker"
      aria-label="App"
      value={app}
      onChange={(e) => {
        // Filters by texts of one app seldom mean anything in another; the
        // range of time and the tab do.
        const q = new URLSearchParams(location.search)
        const patch: Record<string, null> = {}
        for (const name of q.keys()) if (!['tab', 'range', 'from', 'to', 'by', 'tz', 'size', 'cols'].includes(name)) patch[name] = null
        setParams({ ...patch, app: e.currentTarget.value })
      }}
    >
      {!known && <option value={app}>{app}</option>}
      {listed}
      {apps.more && <option disabled>More apps: name one in the address as ?app=…</option>}
    </select>
  )
}

function ZonePicker() {
  const q = useParams()
  const zone = zoneOf(q)
  const own = browserZone()
  const listed = useMemo(
    () =>
      zones().map((z) => (
        <option key={z} value={z}>
          {z}
        </option>
      )),
    [],
  )
  return (
    <label class="zone">
      <Icon name="globe" />
      <select class="select quiet" aria-label="Time zone" title={`Time zone: ${zone}`} value={q.get('tz') === null ? '' : zone} onChange={(e) => setZone(e.currentTarget.value || null)}>
        <option value="">{`${own} · browser`}</option>
        {!listed.some((o) => o.key === zone) && <option value={zone}>{zone}</option>}
        {listed}
      </select>
      <span class="zone-offset num">{offsetText(Date.now(), zone)}</span>
    </label>
  )
}

function Refresh() {
  const seconds = useStore(period)
  useStore(now)
  return (
    <div class="joined">
      <button type="button" class="button icon" aria-label="Refresh now" title="Refresh now (r)" onClick={refreshNow}>
        <Icon name="refresh" />
      </button>
      <select class="select" aria-label="Automatic refresh" title="Automatic refresh" value={seconds} onChange={(e) => period.set(Number(e.currentTarget.value))}>
        {periods.map((p) => (
          <option key={p.seconds} value={p.seconds}>
            {p.label}
          </option>
        ))}
      </select>
    </div>
  )
}

const themes: { id: Theme; label: string; icon: IconName }[] = [
  { id: 'system', label: 'As the system', icon: 'display' },
  { id: 'light', label: 'Light', icon: 'sun' },
  { id: 'dark', label: 'Dark', icon: 'moon' },
]

function ThemePicker() {
  const chosen = useStore(theme)
  const t = themes.find((x) => x.id === chosen) ?? themes[0]!
  return (
    <Menu label={`Theme: ${t.label}`} class="button quiet icon" align="right" iconOnly face={<Icon name={t.icon} />}>
      {(close) =>
        themes.map((x) => (
          <button
            key={x.id}
            type="button"
            class="menu-item"
            aria-pressed={x.id === chosen}
            onClick={() => {
              theme.set(x.id)
              close()
            }}
          >
            <Icon name={x.icon} />
            {x.label}
          </button>
        ))
      }
    </Menu>
  )
}

function Account({ info }: { info: SessionInfo }) {
  return (
    <Menu label="Session" class="button quiet icon" align="right" iconOnly face={<Icon name="key" />}>
      {() => (
        <div class="account">
          <dl>
            <dt>Signed in</dt>
            <dd>{info.auth === 'off' ? 'authentication is off' : (info.name ?? '—')}</dd>
            <dt>Rights</dt>
            <dd>{info.rights.join(', ')}</dd>
            <dt>Apps</dt>
            <dd>{info.apps === '*' ? 'all' : info.apps.join(', ')}</dd>
            {info.expires_at && (
              <>
                <dt>Expires</dt>
                <dd>{info.expires_at}</dd>
              </>
            )}
            <dt>Server</dt>
            <dd>{info.version}</dd>
          </dl>
          {info.auth === 'token' && (
            <button type="button" class="menu-item" onClick={() => session.signOut()}>
              <Icon name="out" />
              Sign out
            </button>
          )}
        </div>
      )}
    </Menu>
  )
}
