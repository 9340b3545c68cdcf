// The time zone of the page: that of the address, else the reader's choice,
// else the browser's.
import { setParams, useParams } from './state'
import { browserZone, isZone } from './zone'

export function zoneOf(q: URLSearchParams): string {
  const tz = q.get('tz')
  return tz !== null && isZone(tz) ? tz : browserZone()
}

export function useZone(): string {
  return zoneOf(useParams())
}

/** setZone; null = the browser's. */
export function setZone(zone: string | null): void {
  setParams({ tz: zone })
}
