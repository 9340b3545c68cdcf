// Light or dark: by the system, or by choice. style.css reads data-theme.
import { store } from './store'

export type Theme = 'system' | 'light' | 'dark'

const key = 'tracebed.theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

function load(): Theme {
  try {
    const t = localStorage.getItem(key)
    return t === 'light' || t === 'dark' ? t : 'system'
  } catch {
    return 'system'
  }
}

/** The choice of the reader. */
export const theme = store<Theme>(load())

/** What is shown: charts and canvases watch it to draw again. */
export const shown = store<'light' | 'dark'>('light')

function apply(): void {
  const t = theme.get()
  const now = t === 'system' ? (dark.matches ? 'dark' : 'light') : t
  document.documentElement.dataset.theme = now
  read.clear()
  shown.set(now)
}

export function startTheme(): void {
  apply()
  dark.addEventListener('change', apply)
  theme.subscribe(() => {
    try {
      if (theme.get() === 'system') localStorage.removeItem(key)
      else localStorage.setItem(key, theme.get())
    } catch {
      // Then the choice lasts as long as the page.
    }
    apply()
  })
}

/** What was read of the theme that is shown; reading makes the browser work out styles anew. */
const read = new Map<string, string>()

/** cssVar reads a custom property, such as cssVar('--accent'), for canvases. */
export function cssVar(name: string): string {
  let value = read.get(name)
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    read.set(name, value)
  }
  return value
}
