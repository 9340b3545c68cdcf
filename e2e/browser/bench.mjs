// How fast the page is on many traces: medians of five, on loopback. A report,
// not a gate: figures depend on the machine. TRACES sets how many (1,000,000).
import { cpus, loadavg } from 'node:os'
import { openPage, startBrowser, startServer } from './harness.mjs'

const traces = Number(process.env.TRACES ?? 1_000_000)
const rounds = 5
const perBody = 4000

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

const server = await startServer()
const browser = await startBrowser()
try {
  const begun = performance.now()
  const start = Date.now() - 14 * 86_400_000
  for (let i = 0; i < traces; i += perBody) {
    const count = Math.min(perBody, traces - i)
    await server.api('/v1/apps/million/traces', { method: 'POST', body: body(i, count, start, (14 * 86_400_000) / traces) })
  }
  console.log(`${traces} traces sent in ${((performance.now() - begun) / 1000).toFixed(1)} s; ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`)

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

  const page = await openPage(browser, server, '?app=million')
  await page.waitForSelector('.uplot')
  const toTraces = []
  const toMonitoring = []
  for (let i = 0; i < rounds; i++) {
    toTraces.push(await switchTo(page, '2', '.table-box[aria-busy=false] tr[data-row]'))
    toMonitoring.push(await switchTo(page, '1', '.uplot canvas'))
  }
  console.log(`Monitoring → Traces: ${show(toTraces)}`)
  console.log(`Traces → Monitoring: ${show(toMonitoring)}`)
} finally {
  await browser.close()
  await server.stop()
}

/** switchTo presses a key and measures, inside the page, until the content is there and painted. */
function switchTo(page, key, selector) {
  return page.evaluate(
    ([key, selector]) =>
      new Promise((resolve) => {
        const begun = performance.now()
        const look = () => {
          if (!document.querySelector(selector)) return
          watch.disconnect()
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)))
        }
        const watch = new MutationObserver(look)
        watch.observe(document.body, { childList: true, subtree: true, attributes: true })
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
      }),
    [key, selector],
  )
}
