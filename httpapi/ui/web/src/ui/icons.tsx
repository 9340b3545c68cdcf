// Icons: strokes of the text's colour on a grid of 16, hidden from readers of
// the screen because a text or a label always stands beside them.
import type { JSX } from 'preact'

const paths = {
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Zm6.5 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  'eye-off': 'M2 2l12 12M6.6 3.7A6.3 6.3 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a12 12 0 0 1-2 2.4M4.2 4.9A11.5 11.5 0 0 0 1.5 8S4 12.5 8 12.5c1.3 0 2.4-.5 3.4-1.1',
  download: 'M8 2v8m0 0 3-3m-3 3L5 7M2.5 13.5h11',
  refresh: 'M13.5 8A5.5 5.5 0 1 1 11.8 4M13.5 1.8V4.5h-2.7',
  close: 'M3.5 3.5l9 9m0-9-9 9',
  check: 'M3 8.5 6.5 12 13 4.5',
  down: 'M4 6l4 4 4-4',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  right: 'M6 3.5 10.5 8 6 12.5',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.5v1m0 11v1M1.5 8h1m11 0h1M3.4 3.4l.7.7m7.8 7.8.7.7m0-9.2-.7.7m-7.8 7.8-.7.7',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  display: 'M2 3h12v8H2zM6 13.5h4',
  help: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM6.2 6.2A1.9 1.9 0 0 1 8 4.8c1.1 0 1.9.7 1.9 1.7 0 1.4-1.9 1.5-1.9 2.7m0 2v.1',
  plus: 'M8 3v10M3 8h10',
  columns: 'M2 3h12v10H2zM6 3v10M10 3v10',
  key: 'M10.5 9.5a4 4 0 1 0-3.6-2.3L2 12v2h2.5v-1.5H6V11l1.3-1.3a4 4 0 0 0 3.2-.2ZM11 5v.1',
  copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
  calendar: 'M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3m5-3v3',
  globe: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM1.5 8h13M8 1.5c2 2 2.6 4.2 2.6 6.5S10 12.5 8 14.5C6 12.5 5.4 10.3 5.4 8S6 3.5 8 1.5Z',
  warn: 'M8 2 1.5 13.5h13L8 2Zm0 4.5v3.5m0 1.8v.1',
  succeeded: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.3 8.2l1.9 1.9 3.5-4',
  failed: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.8 5.8l4.4 4.4m0-4.4-4.4 4.4',
  canceled: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM5.2 8h5.6',
  running: 'M8 2a6 6 0 1 1-5.2 3M8 5v3.2l2 1.3',
  skipped: 'M3 4l4 4-4 4m6-8 4 4-4 4',
  out: 'M6.5 2.5h-4v11h4M10 11l3-3-3-3M13 8H6',
  search: 'M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM10 10l3 3',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  minus: 'M3 8h10',

  // Groups and types of runs.
  llms: 'M8 2l1.5 4.5L14 8l-4.5 1.5L8 14l-1.5-4.5L2 8l4.5-1.5Z',
  tools: 'M9.5 2.5a3.5 3.5 0 0 0-3.3 4.7L2.5 11v2.5H5l3.8-3.7a3.5 3.5 0 0 0 4.5-4.4L11 7.5 8.5 5l2.2-2.3a3.5 3.5 0 0 0-1.2-.2Z',
  agents: 'M4 6h8a1.5 1.5 0 0 1 1.5 1.5v4A1.5 1.5 0 0 1 12 13H4a1.5 1.5 0 0 1-1.5-1.5v-4A1.5 1.5 0 0 1 4 6ZM8 6V3M5.8 9v1M10.2 9v1',
  retrievers: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.3 10.3 13.5 13.5',
  embedders: 'M2.5 2.5h4v4h-4ZM9.5 2.5h4v4h-4ZM2.5 9.5h4v4h-4ZM9.5 9.5h4v4h-4Z',
  operators: 'M4 2.5v11M4 8h4a4 4 0 0 0 4-4V2.5M10 4.5l2-2 2 2',
  validators: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4ZM5.8 8l1.6 1.6 3-3.2',
  workflow: 'M8 2l6 3-6 3-6-3ZM2 8l6 3 6-3M2 11l6 3 6-3',
  flow: 'M3 3h4v4H3ZM9 9h4v4H9ZM5 7v4h4',
  other: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z',
} as const

export type IconName = keyof typeof paths

/** hasIcon says whether a name, of a status or a group, has a picture. */
export function hasIcon(name: string): name is IconName {
  return Object.hasOwn(paths, name)
}

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="svg-icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
