// What the three views of the left side share.
import type { CriticalPath } from './critical'
import type { Forest } from './forest'
import type { Rows } from './rows'

/** The props of a view. Runs are positions in the forest; −1 is the trace as a whole. */
export interface ViewProps {
  forest: Forest
  selected: number
  select(run: number): void
  /** The text that is searched for, for marks. */
  query: string
}

/** The props of the views that show rows. */
export interface RowsProps extends ViewProps {
  rows: Rows
  collapsed: ReadonlySet<number>
  setOpen(run: number, open: boolean): void
  path: CriticalPath
}
