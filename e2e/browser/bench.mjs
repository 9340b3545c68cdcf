// How fast the page is on many traces: medians of five, on loopback. A report,
// not a gate: figures depend on the machine. TRACES sets how many (1,000,000);
// DATA names a directory that keeps them for the next run.
import { cpus, loadavg } from 'node:os'
import { openPage, startBrowser, startServer } from './harness.mjs'

const traces = Number(process.env.TRACES ?? 1_000_000)
const rounds = 5
const perBody = 4000

/** What a tab shows, by its key: the first data, the current ones, all of them. */
const tabs = [
  ['Traces', '2', { painted: '.table-box tr[data-row]', current: '.table-box:not(.stale) tr[data-row]', whole: '.table-box[aria-busy=false] tr[data-row]' }],
  ['Monitoring', '1', { painted: '.uplot canvas', current: '.charts[aria-busy=false] .uplot canvas' }],
]

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const show = (list) => `median ${median(list).toFixed(0)} ms (${list.map((n) => n.toFixed(0)).join(', ')})`

/** body is one request with small traces, one run each, evenly over 14 days. */
function body(from, count, start, step) {
  const runs = []
  for (let i = from; i < from + count; i++) {
    const at = start + i * step
    const id = `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`
    runs.push({
      id, trace_id: id, name: 'Workflow', type: 'workflow', parent_run_id: null, source_id: null, session_id: null,
      start_time: new Date(at).toISOString(), end_time: new Date(at + 500 + (i % 4000)).toISOString(), status: i % 17 === 0 ? 'failed' : 'succeeded',
      input: { question: `What is ${i} plus ${i}?` }, output: { content: `It is ${2 * i}.` }, metadata: {}, error: null, executions: [], tags: [],
    })
  }
  return { runs }
}

const server = await startServer({ data: process.env.DATA })
const browser = await startBrowser()
try {
  const begun = performance.now()
  const start = Date.now() - 14 * 86_400_000
  const there = (await server.api('/v1/apps')).data.find((a) => a.id === 'million')?.trace_count ?? 0
  for (let i = there; i < traces; i += perBody) {
    const count = Math.min(perBody, traces - i)
    await server.api('/v1/apps/million/traces', { method: 'POST', body: body(i, count, start, (14 * 86_400_000) / traces) })
  }
  console.log(`${Math.max(0, traces - there)} traces sent in ${((performance.now() - begun) / 1000).toFixed(1)} s; ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`)

  for (const [name, path, ready] of [
    ['Monitoring', '?app=million', '.uplot'],
    ['Traces', '?app=million&tab=traces', '.table-box[aria-busy=false]'],
  ]) {
    const paint = []
    for (let i = 0; i < rounds; i++) {
      const page = await openPage(browser, server, path)
      await page.waitForSelector(ready)
      await page.waitForTimeout(300)
      paint.push(
        await page.evaluate(
          () =>
            new Promise((resolve) => {
              new PerformanceObserver((l) => resolve(l.getEntries().at(-1).startTime)).observe({ type: 'largest-contentful-paint', buffered: true })
            }),
        ),
      )
      await page.context().close()
    }
    console.log(`${name}: largest contentful paint ${show(paint)}`)
  }

  await switches('at rest', () => undefined)
  // A trace comes before each switch, so that what the page has kept is out of date.
  let next = traces
  await switches('as traces come in', () => {
    next++
    return server.api('/v1/apps/million/traces', { method: 'POST', body: body(next, 1, Date.now() - 1000 - next, 1) })
  })
} finally {
  await browser.close()
  await server.stop()
}

/**
 * switches reports both directions: until the tab is painted with the data that
 * the page has, until it shows the answer to a question asked after the key,
 * and until the rows below the window are there too.
 */
async function switches(when, before) {
  const page = await openPage(browser, server, '?app=million')
  await page.waitForSelector('.uplot')
  await page.waitForTimeout(1000)
  const times = {}
  for (let i = 0; i < rounds; i++) {
    for (const [to, key, moments] of tabs) {
      await before()
      await page.waitForTimeout(300)
      for (const [name, ms] of Object.entries(await switchTo(page, key, moments))) (times[`${to}, ${name}`] ??= []).push(ms)
    }
  }
  for (const [what, list] of Object.entries(times)) console.log(`To ${what}, ${when}: ${show(list)}`)
  await page.context().close()
}

/** switchTo presses a key and measures, inside the page, until what each selector names is there and painted. */
function switchTo(page, key, moments) {
  return page.evaluate(
    ([key, moments]) =>
      new Promise((resolve) => {
        const begun = performance.now()
        const seen = new Set()
        const painted = {}
        const look = () => {
          for (const [name, selector] of Object.entries(moments)) {
            if (seen.has(name) || !document.querySelector(selector)) continue
            seen.add(name)
            requestAnimationFrame(() =>
              setTimeout(() => {
                painted[name] = performance.now() - begun
                if (Object.keys(painted).length < Object.keys(moments).length) return
                watch.disconnect()
                resolve(painted)
              }),
            )
          }
        }
        const watch = new MutationObserver(look)
        watch.observe(document.body, { childList: true, subtree: true, attributes: true })
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
      }),
    [key, moments],
  )
}
