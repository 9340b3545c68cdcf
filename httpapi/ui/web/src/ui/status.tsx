// A status as colour, shape and text.
import { Icon, type IconName } from './icons'

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

export function Status({ status, stale = false }: { status: string; stale?: boolean }) {
  const icon: IconName = status in labels ? (status as IconName) : 'canceled'
  return (
    <span class="status" data-status={status}>
      <Icon name={icon} size={14} />
      {statusLabel(status)}
      {stale && <span class="stale"> · stale</span>}
    </span>
  )
}
