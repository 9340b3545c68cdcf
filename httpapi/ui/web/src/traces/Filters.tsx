// The bar of filters: status, time, and whatever else the API filters by.
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, json, path } from '../api'
import { setParams } from '../state'
import { traceStatuses } from '../types'
import { Icon } from '../ui/icons'
import { Menu } from '../ui/menu'
import { RangePicker } from '../ui/RangePicker'
import { Status } from '../ui/status'
import { UserText } from '../ui/text'
import { activeFilters, loadFilters, statusesOf, type FilterDef } from './filters'

export function Filters({ app, q, zone }: { app: string; q: URLSearchParams; zone: string }) {
  const [defs, setDefs] = useState<FilterDef[]>([])
  useEffect(() => {
    let gone = false
    loadFilters().then(
      (d) => !gone && setDefs(d),
      () => undefined, // The list says what is wrong with the server.
    )
    return () => {
      gone = true
    }
  }, [])
  const on = statusesOf(q)
  const active = activeFilters(q)
  const any = on.length > 0 || active.length > 0 || q.has('range') || q.has('from') || q.has('to')
  return (
    <div class="filters" role="search" aria-label="Filters">
      <Find app={app} words={defs.some((d) => d.name === 'q')} q={q} />
      <RangePicker zone={zone} none="All dates" clearable />
      <div class="status-filter" role="group" aria-label="Status">
        {traceStatuses.map((s) => (
          <button
            key={s}
            type="button"
            class="chip"
            aria-pressed={on.includes(s)}
            onClick={() => setParams({ status: on.includes(s) ? on.filter((x) => x !== s) : [...on, s], page: null })}
          >
            <Status status={s} />
          </button>
        ))}
      </div>
      {active.map(([name, value], i) => (
        <span key={`${name}${i}`} class="chip active">
          <span class="chip-name">{defs.find((d) => d.name === name)?.label ?? name}</span> <UserText text={value} />
          <button
            type="button"
            aria-label={`Remove the filter ${name}`}
            onClick={() => setParams({ [name]: q.getAll(name).filter((v) => v !== value), page: null })}
          >
            <Icon name="close" size={12} />
          </button>
        </span>
      ))}
      {defs.length > 0 && <AddFilter defs={defs.filter((d) => d.name !== 'q')} q={q} />}
      {any && (
        <button
          type="button"
          class="button quiet"
          onClick={() => setParams({ ...Object.fromEntries(active.map(([name]) => [name, null])), status: null, range: null, from: null, to: null, page: null })}
        >
          Clear
        </button>
      )}
    </div>
  )
}

/** Find opens a trace by its id; where the server searches words, it does that with what is no id. */
function Find({ app, words, q }: { app: string; words: boolean; q: URLSearchParams }) {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const submit = async (e: Event) => {
    e.preventDefault()
    const id = text.trim()
    if (id === '') return
    try {
      await json(path('v1', 'apps', app, 'traces', id), { query: { preview: 1 } })
      setParams({ trace: id })
      setText('')
    } catch (err) {
      if (!(err instanceof ApiError)) throw err
      if (words && (err.status === 404 || err.status === 400)) {
        setParams({ q: [...q.getAll('q'), id], page: null })
        setText('')
      } else {
        setProblem(err.status === 404 ? 'No trace has this id.' : err.message)
      }
    }
  }
  const label = words ? 'Search words, or open a trace id' : 'Open a trace by its id'
  return (
    <form class="find" onSubmit={(e) => void submit(e)}>
      <input
        ref={input}
        id="find"
        class="field"
        type="search"
        aria-label={label}
        placeholder={`${label}  /`}
        value={text}
        aria-invalid={problem !== null}
        aria-describedby="find-problem"
        onInput={(e) => {
          setText(e.currentTarget.value)
          setProblem(null)
        }}
        onKeyDown={(e) => {
          if (e.key === 'Escape') input.current?.blur()
        }}
      />
      <span id="find-problem" class="field-error" role="alert">
        {problem}
      </span>
    </form>
  )
}

function AddFilter({ defs, q }: { defs: FilterDef[]; q: URLSearchParams }) {
  if (defs.length === 0) return null
  return (
    <Menu label="Add a filter" face={<><Icon name="plus" /> Filter</>}>
      {(close) => <FilterForm defs={defs} q={q} onDone={close} />}
    </Menu>
  )
}

function FilterForm({ defs, q, onDone }: { defs: FilterDef[]; q: URLSearchParams; onDone(): void }) {
  const [name, setName] = useState(defs[0]!.name)
  const [value, setValue] = useState('')
  const def = defs.find((d) => d.name === name) ?? defs[0]!
  const text = def.type === 'boolean' && value === '' ? 'true' : value.trim()
  return (
    <form
      class="filter-form"
      onSubmit={(e) => {
        e.preventDefault()
        if (text === '') return
        setParams({ [def.name]: def.list ? [...q.getAll(def.name), text] : text, page: null })
        onDone()
      }}
    >
      <label>
        Filter by
        <select class="select" value={name} onChange={(e) => (setName(e.currentTarget.value), setValue(''))}>
          {defs.map((d) => (
            <option key={d.name} value={d.name}>
              {d.label}
            </option>
          ))}
        </select>
      </label>
      <label>
        Value
        {def.type === 'boolean' ? (
          <select class="select" value={text} onChange={(e) => setValue(e.currentTarget.value)}>
            <option value="true">yes</option>
            <option value="false">no</option>
          </select>
        ) : (
          <input class="field" inputMode={def.type === 'number' ? 'decimal' : 'text'} value={value} onInput={(e) => setValue(e.currentTarget.value)} />
        )}
      </label>
      <p class="hint">{def.hint}</p>
      <button type="submit" class="button primary" disabled={text === ''}>
        Apply
      </button>
    </form>
  )
}
