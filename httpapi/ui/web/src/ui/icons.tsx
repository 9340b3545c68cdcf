// Icons: strokes of the text's colour on a grid of 16, hidden from readers of
// the screen because a text or a label always stands beside them.
import type { JSX } from 'preact'

const paths = {
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Zm6.5 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  'eye-off': 'M2 2l12 12M6.6 3.7A6.3 6.3 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a12 12 0 0 1-2 2.4M4.2 4.9A11.500 11.500 0 0 0 1.500 8S4 12.500 8 12.500c1.300 0 2.400-.5 3.400-1.100',
  download: 'M8 2v8m0 0 3-3m-3 3L5 7M2.500 13.500h11',
  refresh: 'M13.500 8A5.500 5.500 0 1 1 11.800 4M13.500 1.800V4.500h-2.700',
  close: 'M3.500 3.500l9 9m0-9-9 9',
  check: 'M3 8.500 6.500 12 13 4.500',
  down: 'M4 6l4 4 4-4',
  left: 'M10 3.500 5.500 8l4.500 4.500',
  right: 'M6 3.500 10.500 8 6 12.500',
  first: 'M12 3.500 7.500 8l4.500 4.500M4 3.500v9',
  last: 'M4 3.500 8.500 8 4 12.500M12 3.500v9',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.500v1m0 11v1M1.500 8h1m11 0h1M3.400 3.400l.7.7m7.800 7.800.7.7m0-9.200-.7.7m-7.800 7.800-.7.7',
  moon: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z',
  display: 'M2 3h12v8H2zM6 13.500h4',
  help: 'M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM6.200 6.200A1.900 1.900 0 0 1 8 4.800c1.100 0 1.900.7 1.900 1.700 0 1.400-1.900 1.500-1.900 2.700m0 2v.1',
  plus: 'M8 3v10M3 8h10',
  columns: 'M2 3h12v10H2zM6 3v10M10 3v10',
  key: 'M10.500 9.500a4 4 0 1 0-3.600-2.300L2 12v2h2.500v-1.500H6V11l1.300-1.300a4 4 0 0 0 3.200-.2ZM11 5v.1',
  copy: 'M5.500 5.500h8v8h-8zM3.500 10.500h-1v-8h8v1',
  clock: 'M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 4.500V8l2.500 1.500',
  calendar: 'M2.500 3.500h11v10h-11zM2.500 6.500h11M5.500 2v3m5-3v3',
  globe: 'M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM1.500 8h13M8 1.500c2 2 2.600 4.200 2.600 6.500S10 12.500 8 14.500C6 12.500 5.400 10.300 5.400 8S6 3.500 8 1.500Z',
  warn: 'M8 2 1.500 13.500h13L8 2Zm0 4.500v3.500m0 1.800v.1',
  succeeded: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.300 8.200l1.900 1.900 3.500-4',
  failed: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.800 5.800l4.400 4.400m0-4.400-4.400 4.400',
  canceled: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.200 8h5.600',
  running: 'M8 2a6 6 0 1 1-5.200 3M8 5v3.200l2 1.300',
  skipped: 'M3 4l4 4-4 4m6-8 4 4-4 4',
  out: 'M6.500 2.500h-4v11h4M10 11l3-3-3-3M13 8H6',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}
