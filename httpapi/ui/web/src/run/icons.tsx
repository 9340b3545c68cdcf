// The pictures of the sheet, drawn in the colour of the text around them.
import type { JSX } from 'preact'

const PATHS = {
  llms: 'M8 2l1.5 4.5L14 8l-4.5 1.5L8 14l-1.5-4.5L2 8l4.5-1.5z',
  tools: 'M9.5 2.5a3.5 3.5 0 0 0-3.3 4.7L2.5 11v2.5H5l3.8-3.7a3.5 3.5 0 0 0 4.5-4.4L11 7.5 8.5 5l2.2-2.3a3.5 3.5 0 0 0-1.2-.2z',
  agents:
    'M4 6h8a1.5 1.5 0 0 1 1.5 1.5v4A1.5 1.5 0 0 1 12 13H4a1.5 1.5 0 0 1-1.5-1.5v-4A1.5 1.5 0 0 1 4 6zM8 6V3M5.8 9v1M10.2 9v1',
  retrievers: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3L13.5 13.5',
  embedders: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
  operators: 'M4 2.5v11M4 8h4a4 4 0 0 0 4-4V2.5M10 4.5l2-2 2 2',
  validators: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4zM5.8 8l1.6 1.6L10.4 6.5',
  workflow: 'M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3',
  flow: 'M3 3h4v4H3zM9 9h4v4H9zM5 7v4h4',
  other: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z',
  chevron: 'M6 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  download: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  search: 'M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10l3 3',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  retry: 'M13 8a5 5 0 1 1-1.5-3.5M13 2.5V5h-2.5',
  succeeded: 'M3.5 8.5l3 3 6-7',
  failed: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  canceled: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM4.2 4.2l7.6 7.6',
  skipped: 'M3.5 4.5L7 8l-3.5 3.5M8.5 4.5L12 8l-3.5 3.5',
  running: 'M8 2.5A5.5 5.5 0 1 1 2.5 8',
} as const

export type IconName = keyof typeof PATHS

/** A picture of 16 px, for the eye only: the text beside it says the same. */
export function Icon({ name, class: cls = '' }: { name: IconName; class?: string }): JSX.Element {
  return (
    <svg class={`rs-icon ${cls}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** What a run is, for its picture and colour. */
export type Look = 'llms' | 'tools' | 'agents' | 'search' | 'flow' | 'other'

/** The look of a run by its group and type. */
export function lookOf(run: { group?: string; type: string }): Look {
  switch (run.group) {
    case 'llms':
    case 'tools':
    case 'agents':
      return run.group
    case 'retrievers':
    case 'embedders':
    case 'rankers':
      return 'search'
  }
  return run.type === 'node' ? 'other' : 'flow'
}

/** The picture of a run: one colour by look, one shape by group. */
export function RunIcon({ run }: { run: { group?: string; type: string } }): JSX.Element {
  const shape = (run.group ?? run.type) as IconName
  return (
    <span class="rs-kind" data-look={lookOf(run)} title={run.group ?? run.type}>
      <Icon name={shape in PATHS ? shape : run.group === 'rankers' ? 'retrievers' : 'other'} />
    </span>
  )
}

/** Status as colour, shape and, unless bare, text. */
export function Status({ status, bare }: { status: string; bare?: boolean }): JSX.Element {
  const name = (status in PATHS ? status : 'other') as IconName
  if (bare) {
    return (
      <span class="rs-status" data-status={status} role="img" aria-label={status} title={status}>
        <Icon name={name} />
      </span>
    )
  }
  return (
    <span class="status" data-status={status}>
      <Icon name={name} />
      {status}
    </span>
  )
}
