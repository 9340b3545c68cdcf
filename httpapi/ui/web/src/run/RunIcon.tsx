// The picture of a run: one colour by look, one shape by group.
import type { JSX } from 'preact'
import { hasIcon, Icon } from '../ui/icons'

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

export function RunIcon({ run }: { run: { group?: string; type: string } }): JSX.Element {
  const shape = run.group ?? run.type
  return (
    <span class="rs-kind" data-look={lookOf(run)} title={run.group ?? run.type}>
      <Icon name={hasIcon(shape) ? shape : run.group === 'rankers' ? 'retrievers' : 'other'} size={14} />
    </span>
  )
}
