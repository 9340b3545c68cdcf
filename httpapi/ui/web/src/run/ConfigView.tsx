// The configuration of a node as a table.
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { settingsOf } from './config'
import { kind } from './json'
import { JsonView } from './JsonView'
import { UserText } from './Text'
import { useValue, type Place } from './ValueSection'
import type { Doc } from './values'

/** The configuration tab. */
export function ConfigView({ doc, place }: { doc: Doc; place: Place }): JSX.Element {
  const metadata = useValue(place, 'metadata', doc.value('metadata'))
  const settings = useMemo(() => settingsOf(metadata.value?.json), [metadata.value])
  if (metadata.busy && !metadata.value)
    return <div class="skeleton rs-skeleton" role="status" aria-label="Loading the configuration" />
  if (!settings.length) return <p class="rs-none">This run was sent without a configuration.</p>
  return (
    <>
      <table class="rs-table rs-config">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {settings.map((s, i) => (
            <tr key={i}>
              <th scope="row">
                <UserText text={s.name} />
              </th>
              <td>
                <JsonView value={s.value} label={s.name} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {metadata.value?.partial && (
        <p class="rs-part">
          Shown in part.
          {metadata.more && (
            <button type="button" class="rs-more" onClick={metadata.more}>
              Load more
            </button>
          )}
        </p>
      )}
      {metadata.value && kind(metadata.value.json) === 'string' && (
        <p class="rs-none">The metadata are too large for a table: see JSON.</p>
      )}
    </>
  )
}
