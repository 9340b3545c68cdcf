// A status as colour, shape and text.
import { hasIcon, Icon } from './icons'

const labels: Record<string, string> = {
  succeeded: 'Succeeded',
  failed: 'Failed',
  canceled: 'Canceled',
  running: 'Running',
  skipped: 'Skipped',
}

export function statusLabel(status: string): string {
  return labels[status] ?? status
}

export interface StatusProps {
  status: string
  stale?: boolean
  /** The shape alone, with the text as its name. */
  bare?: boolean
}

export function Status({ status, stale = false, bare = false }: StatusProps) {
  const icon = <Icon name={status in labels && hasIcon(status) ? status : 'other'} size={bare ? 16 : 14} />
  if (bare) {
    return (
      <span class="rs-status" data-status={status} role="img" aria-label={status} title={statusLabel(status)}>
        {icon}
      </span>
    )
  }
  return (
    <span class="status" data-status={status}>
      {icon}
      {statusLabel(status)}
      {stale && <span class="stale"> · stale</span>}
    </span>
  )
}
