// The run sheet on the shared fixtures: tree, timeline, graph, details.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertAccessible, boxOf, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'
import { AGENT, FAILED, FLOW, GENAI, link, OPENINFERENCE, run, sendFixtures } from './runsheet-data.mjs'

const SUMMARIZE = '00003c02-0004-442c-8415-000393a6b442'

let server
let browser

before(async () => {
  server = await startServer()
  browser = await startBrowser()
  await sendFixtures(server)
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const tree = async (trace) => (await server.api(`/v1/apps/fx/traces/${encodeURIComponent(trace)}/tree`)).data
const row = (page, id) => page.locator(`.rs-row[data-run="${id}"]`)
const opened = (page) => page.waitForSelector('.rs-details-body .rs-facts')
const fact = (page, name) => page.locator('.rs-facts > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd').getAttribute('data-exact')

test('every row of every fixture says what the API says', async () => {
  for (const trace of [AGENT, FAILED, FLOW, GENAI, OPENINFERENCE]) {
    const { runs } = await tree(trace)
    const page = await openPage(browser, server, link(trace))
    await page.waitForSelector('.rs-row')
    const shown = await page.$$eval('.rs-row', (els) => els.map((e) => ({ id: e.dataset.run, text: e.textContent, named: e.querySelector('.rs-status')?.ariaLabel, cells: [...e.querySelectorAll('.rs-cell')].map((c) => [c.textContent, c.title, c.dataset.sum]) })))
    assert.equal(shown.length, runs.length, trace)
    for (const r of runs) {
      const s = shown.find((x) => x.id === r.id)
      assert.equal(s.named ?? 'succeeded', r.status)
      assert.ok(s.text.includes(r.name ?? ''), `${s.text} of ${r.name}`)
      if (r.total_tokens !== undefined) assert.equal(s.cells[1][1], `${r.total_tokens.toLocaleString('en-US')} tokens`)
      if (r.total_cost_usd !== undefined) assert.equal(s.cells[2][1], `${r.total_cost_usd} USD`)
    }
    await closePage(page)
  }
})

test('the figures of each trace are those of the API, in three time zones', async () => {
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
    for (const id of [AGENT, FAILED, FLOW, GENAI, OPENINFERENCE]) {
      const { trace: t } = await tree(id)
      const page = await openPage(browser, server, link(id), { zone })
      await opened(page)
      const u = t.usage
      const want = {
        Duration: t.duration_ms, Started: t.started_at, Ended: t.ended_at, Runs: t.run_count,
        'Prompt tokens': u.prompt_tokens, 'Completion tokens': u.completion_tokens, 'Total tokens': u.total_tokens,
        'Prompt cost': u.prompt_tokens_cost_usd, 'Completion cost': u.completion_tokens_cost_usd, 'Total cost': u.total_tokens_cost_usd,
      }
      for (const [name, value] of Object.entries(want)) assert.equal(await fact(page, name), value === null ? null : String(value), `${id} ${name}`)
      const started = await page.locator('.rs-facts dd').nth(1).textContent()
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(Date.parse(t.started_at))
      assert.ok(started.includes(clock), `${started} at ${clock} in ${zone}`)
      await closePage(page)
    }
  }
})

test('the keys of the tree: arrows, j and k, collapse, Esc; the address follows', async () => {
  const { runs } = await tree(AGENT)
  const page = await openPage(browser, server, link(AGENT))
  await page.waitForSelector('.rs-rows:focus')
  const selected = () => page.$eval('.rs-row[aria-selected="true"]', (e) => e.dataset.run)
  await page.keyboard.press('ArrowDown')
  assert.equal(await selected(), runs[0].id)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  const planner = runs.find((r) => r.name === 'Planner')
  assert.equal(await selected(), planner.id)
  const all = await page.locator('.rs-row').count()
  await page.keyboard.press('ArrowLeft')
  assert.equal(await page.locator('.rs-row').count(), 3)
  assert.equal(await row(page, planner.id).getAttribute('aria-expanded'), 'false')
  await page.keyboard.press('ArrowRight')
  assert.equal(await page.locator('.rs-row').count(), all)
  await page.keyboard.press('End')
  assert.notEqual(await selected(), planner.id)
  await page.keyboard.press('Home')
  await page.keyboard.press('k')
  assert.equal(await selected(), runs[0].id)
  await page.waitForFunction((id) => new URLSearchParams(location.search).get('run') === id, runs[0].id)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#rs-details-panel:focus')
  await page.keyboard.press('?')
  await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')
  await page.waitForSelector('.rs-sheet', { state: 'detached' })
  assert.equal(new URL(page.url()).searchParams.get('trace'), null)
  await closePage(page)
})

test('search shows the matches and the way to them, counts, and goes from one to the next', async () => {
  const page = await openPage(browser, server, link(AGENT))
  await page.waitForSelector('.rs-row')
  await page.keyboard.press('/')
  await page.waitForSelector('.rs-search input:focus')
  await page.keyboard.type('weather')
  assert.equal(await page.locator('.rs-found').textContent(), '2 found')
  assert.equal(await page.locator('.rs-row[data-match="true"]').count(), 2)
  assert.equal(await page.locator('.rs-row').count(), 5)
  await page.keyboard.press('Enter')
  const first = await page.$eval('.rs-row[aria-selected="true"]', (e) => e.dataset.run)
  await page.keyboard.press('Enter')
  const second = await page.$eval('.rs-row[aria-selected="true"]', (e) => e.dataset.run)
  assert.notEqual(first, second)
  await page.getByLabel('Search runs').fill('no such run')
  assert.equal(await page.locator('.rs-found').textContent(), '0 found')
  await page.getByText('No run matches.').waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('.rs-row').count(), 10)
  await closePage(page)
})

test('a deep link opens a run: error banner, attempts, conversation, configuration, JSON', async () => {
  const page = await openPage(browser, server, link(FAILED, { run: SUMMARIZE }))
  await page.getByText('This run failed').waitFor()
  const banner = page.locator('.rs-error')
  assert.match(await banner.textContent(), /429 quota reached/)
  await banner.getByText('Traceback', { exact: true }).click()
  assert.ok((await banner.locator('pre').textContent()).length > 20)
  assert.equal(await page.getByRole('heading', { name: 'Attempts (2)' }).count(), 1)
  assert.match(await page.locator('.rs-message').first().textContent(), /Sum up: long report/)
  await shot(page, 'runsheet-failed')
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.getByRole('rowheader', { name: 'error_handling.max_retries' }).waitFor()
  await assertAccessible(page, 'configuration')
  await page.getByRole('tab', { name: 'JSON' }).click()
  await page.locator('.rs-json').getByText('parent_run_id').first().waitFor()
  await assertAccessible(page, 'json')
  await closePage(page)
})

test('the conversation of an agent with tools, of each format', async () => {
  for (const [trace, group, wanted] of [
    [AGENT, 'llms', ['You plan trips.', 'weather', 'Oslo']],
    [GENAI, 'llms', ['Weather in Paris?', 'get_weather', 'Paris']],
    [OPENINFERENCE, 'llms', ['Answer from context.', 'lookup', 'refund']],
  ]) {
    const { runs } = await tree(trace)
    const first = runs.find((r) => r.group === group)
    const page = await openPage(browser, server, link(trace, { run: first.id }))
    await page.waitForSelector('.rs-messages')
    const text = await page.locator('.rs-messages').textContent()
    for (const w of wanted) assert.ok(text.includes(w), `${trace}: ${w} in ${text}`)
    await page.waitForSelector('.rs-call')
    await shot(page, `runsheet-conversation-${trace.slice(0, 8)}`)
    await closePage(page)
  }
})

test('skipped and cached runs say why', async () => {
  const { runs } = await tree(FLOW)
  const page = await openPage(browser, server, link(FLOW, { run: runs.find((r) => r.status === 'skipped').id }))
  await page.getByText('Skipped because of Route').waitFor()
  await row(page, runs.find((r) => r.name === 'Policy LLM').id).click()
  await page.getByText('The output came from the cache').waitFor()
  await closePage(page)
})

test('the graph: boxes and edges of the agent, keys, zoom, fit, groups that close', async () => {
  const { runs } = await tree(AGENT)
  const page = await openPage(browser, server, link(AGENT, { view: 'graph' }))
  await page.waitForSelector('.rs-box')
  assert.equal(await page.locator('.rs-box').count(), runs.length)
  // LLM → two tools → LLM → sub-agent → LLM; what is known by its times only is dashed.
  assert.equal(await page.locator('.rs-edges > path').count(), 6)
  assert.equal(await page.locator('.rs-edges > path[data-kind="time"]').count(), 2)
  const scale = () => page.$eval('.rs-world', (e) => new DOMMatrix(getComputedStyle(e).transform).a)
  // The page draws a change with its next frame: wait for it, and for rest.
  const settled = async (is) => {
    for (let last = NaN, i = 0; i < 100; i++) {
      const now = await scale()
      if (now === last && is(now)) return now
      last = now
      await page.waitForTimeout(100)
    }
    assert.fail(`the scale stays at ${await scale()}`)
  }
  const before = await settled(() => true)
  await page.getByRole('button', { name: 'Zoom in' }).click()
  const zoomed = await settled((s) => s > before)
  await page.mouse.move(500, 500)
  await page.mouse.wheel(0, 400)
  await settled((s) => s !== zoomed)
  await page.getByRole('button', { name: 'Fit' }).click()
  await settled((s) => Math.abs(s - before) < 0.01)
  await page.locator('.rs-canvas').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.waitForSelector('.rs-box[aria-selected="true"]')
  const planner = runs.find((r) => r.name === 'Planner').id
  await page.locator(`.rs-box[data-run="${planner}"] .rs-box-toggle`).first().click()
  await page.waitForFunction(() => document.querySelectorAll('.rs-box').length === 3)
  await page.getByText('3 runs of 10').waitFor()
  await page.locator(`.rs-box[data-run="${planner}"]`).click()
  await page.waitForFunction((id) => new URLSearchParams(location.search).get('run') === id, planner)
  // Drag moves the graph and selects nothing.
  const at = () => page.$eval('.rs-world', (e) => new DOMMatrix(getComputedStyle(e).transform).e)
  await settled(() => true)
  await page.waitForTimeout(300)
  const x = await at()
  await page.mouse.move(300, 800)
  await page.mouse.down()
  await page.mouse.move(360, 820, { steps: 4 })
  await page.mouse.up()
  for (let i = 0; i < 50 && Math.abs((await at()) - x - 60) >= 2; i++) await page.waitForTimeout(100)
  assert.ok(Math.abs((await at()) - x - 60) < 2, `moved by ${(await at()) - x}`)
  await closePage(page)
})

test('the timeline: critical path, zoom by wheel, drag and keys', async () => {
  const page = await openPage(browser, server, link(AGENT, { view: 'timeline' }))
  await page.waitForSelector('.rs-path')
  assert.equal(await page.locator('.rs-row .rs-bar[data-path="true"]').count(), 9)
  await page.getByLabel('Critical path').uncheck()
  assert.equal(await page.locator('.rs-path').count(), 0)
  await page.getByLabel('Critical path').check()
  const title = () => page.locator('.rs-timeline-head .rs-row-name').textContent()
  assert.equal(await title(), '9.00 s')
  const ruler = await boxOf(page.locator('.rs-ruler'))
  await page.mouse.move(ruler.x + ruler.width / 2, ruler.y + 10)
  await page.mouse.wheel(0, -300)
  await page.waitForFunction(() => document.querySelector('.rs-timeline-head .rs-row-name').textContent.includes(' of '))
  await page.getByRole('button', { name: 'Whole trace', exact: true }).click()
  assert.equal(await title(), '9.00 s')
  await page.mouse.move(ruler.x + ruler.width * 0.25, ruler.y + 10)
  await page.mouse.down()
  await page.mouse.move(ruler.x + ruler.width * 0.75, ruler.y + 10, { steps: 3 })
  await page.mouse.up()
  assert.match(await title(), /^4\.\d\d s of 9\.00 s$/)
  await page.locator('.rs-rows').focus()
  await page.keyboard.press('0')
  assert.equal(await title(), '9.00 s')
  await page.keyboard.press('+')
  assert.match(await title(), / of 9\.00 s$/)
  await closePage(page)
})

test('evaluations: added by the form, errors of the server at their field', async () => {
  const page = await openPage(browser, server, link(FAILED, { run: SUMMARIZE }), { allow: [/400 \(Bad Request\)/] })
  await page.getByRole('tab', { name: 'Evaluation' }).click()
  await page.getByText('Nothing was recorded').waitFor()
  const form = page.getByRole('form', { name: 'Add an evaluation' })
  await form.getByRole('button', { name: 'Add evaluation' }).click()
  await form.getByText('Give it a name').waitFor()
  await form.getByLabel('Name').fill('x'.repeat(300))
  await form.locator('#rs-ev-value').fill('0.12345678901234567890')
  await form.getByRole('button', { name: 'Add evaluation' }).click()
  await page.waitForSelector('#rs-ev-name-wrong')
  assert.equal(await form.getByLabel('Name').getAttribute('aria-invalid'), 'true')
  await assertAccessible(page, 'evaluation form')
  await shot(page, 'runsheet-evaluation-error')
  await form.getByLabel('Name').fill('relevance')
  await form.getByLabel('Comment').fill('close <b>enough</b>')
  await form.getByRole('button', { name: 'Add evaluation' }).click()
  await page.waitForSelector('.rs-score')
  const score = await page.locator('.rs-score').textContent()
  assert.match(score, /relevance/)
  assert.match(score, /0\.12345678901234567890/)
  assert.match(score, /close <b>enough<\/b>/)
  assert.match(score, /of Summarize/)
  await form.getByLabel('Kind of value').selectOption('bool')
  await form.getByLabel('Name').fill('correct')
  await form.getByLabel('Of', { exact: true }).selectOption('trace')
  await form.getByRole('button', { name: 'Add evaluation' }).click()
  await page.waitForFunction(() => document.querySelectorAll('.rs-score').length === 2)
  const { data } = await server.api(`/v1/apps/fx/traces/${FAILED}/evaluations`)
  assert.deepEqual(data.map((e) => [e.name, e.value, e.run_id, e.comment]), [['relevance', 0.12345678901234568, SUMMARIZE, 'close <b>enough</b>'], ['correct', true, null, null]])
  await shot(page, 'runsheet-evaluation')
  await closePage(page)
})

test('a running trace grows on screen', async () => {
  await server.send('fx', [run('live', 'live-root', null, 0, null, { type: 'workflow', name: 'Live' }), run('live', 'live-1', 'live-root', 5, 10)])
  const page = await openPage(browser, server, link('live'))
  await page.waitForSelector('.rs-row')
  assert.equal(await page.locator('.rs-row').count(), 2)
  await page.locator('.rs-top .status[data-status="running"]').waitFor()
  await server.send('fx', [run('live', 'live-2', 'live-root', 10, 20), run('live', 'live-root', null, 0, 30, { type: 'workflow', name: 'Live', output: 'done' })])
  await page.locator('.rs-top .status[data-status="succeeded"]').waitFor({ timeout: 15_000 })
  assert.equal(await page.locator('.rs-row').count(), 3)
  await closePage(page)
})

test('what is not there says what to do', async () => {
  const page = await openPage(browser, server, link('no such trace'), { allow: [/404 \(Not Found\)/] })
  await page.getByText('This trace is not here').waitFor()
  await assertAccessible(page, 'not found')
  await shot(page, 'runsheet-not-found')
  await page.locator('.rs-problem').getByRole('button', { name: 'Close' }).click()
  await page.waitForSelector('.rs-sheet', { state: 'detached' })
  await page.goto(server.base + link(AGENT, { run: 'no such run' }))
  await page.getByText('is not in this trace').waitFor()
  await page.getByRole('button', { name: 'Show the whole trace' }).click()
  await opened(page)
  await closePage(page)
})

test('parents that are missing or in a circle', async () => {
  await server.send('fx', [run('odd', 'odd-lost', 'nobody', 0, 5), run('odd', 'odd-self', 'odd-self', 1, 2), run('odd', 'odd-x', 'odd-y', 2, 3), run('odd', 'odd-y', 'odd-x', 3, 4)])
  const page = await openPage(browser, server, link('odd'))
  await page.waitForSelector('.rs-row')
  assert.equal(await page.locator('.rs-row').count(), 4)
  await page.getByText('parent missing').first().waitFor()
  await page.getByText('parents in a circle').first().waitFor()
  await closePage(page)
})

test('the handle between the sides moves by key and by drag, and is remembered', async () => {
  const page = await openPage(browser, server, link(AGENT))
  await opened(page)
  const handle = page.getByRole('separator')
  await handle.focus()
  await page.keyboard.press('ArrowLeft')
  assert.equal(await handle.getAttribute('aria-valuenow'), '50')
  const box = await boxOf(handle)
  await page.mouse.move(box.x + 4, box.y + 300)
  await page.mouse.down()
  await page.mouse.move(box.x - 150, box.y + 300, { steps: 3 })
  await page.mouse.up()
  const moved = await handle.getAttribute('aria-valuenow')
  assert.equal(moved, '37')
  await page.reload()
  await opened(page)
  assert.equal(await page.getByRole('separator').getAttribute('aria-valuenow'), moved)
  await closePage(page)
})

test('focus stays in the sheet, on 360 px it is as wide as the page', async () => {
  const page = await openPage(browser, server, link(AGENT), { width: 360, height: 740 })
  await opened(page)
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => (document.activeElement.closest('.rs-sheet, body') ?? document.documentElement).localName + ' ' + document.activeElement.outerHTML.slice(0, 200))
    assert.match(at, /^(dialog|body <body|html)/)
  }
  assert.equal(await page.$eval('.rs-sheet', (e) => e.getBoundingClientRect().width), 360)
  assert.equal(await page.$eval('.rs-frame', (e) => e.scrollWidth), 360)
  await assertAccessible(page, '360 px')
  await shot(page, 'runsheet-360')
  await closePage(page)
})
