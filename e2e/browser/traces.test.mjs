// The tab of the list: rows equal the API's, everything a reader can do to
// them, and texts that mean harm.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { run, spread } from './data.mjs'
import { assertAccessible, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'

const t0 = Date.UTC(2026, 4, 1)
let server, browser
before(async () => {
  server = await startServer()
  browser = await startBrowser()
  await server.send('many', spread(t0, t0 + 5 * 86_400_000, 230))
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

const list = (app, query = '') => server.api(`/v1/apps/${app}/traces${query}`)

function rows(page) {
  return page.locator('tr[data-row]').evaluateAll((all) =>
    all.map((tr) => {
      const cell = (c) => tr.querySelector(`.c-${c}`)
      return {
        id: tr.dataset.id,
        status: tr.querySelector('.status').dataset.status,
        statusText: tr.querySelector('.status').innerText.trim(),
        cost: cell('cost')?.innerText.trim(),
        costTitle: cell('cost')?.title,
        tokens: cell('tokens')?.innerText.trim(),
        duration: cell('duration')?.innerText.trim(),
        durationTitle: cell('duration')?.title,
        start: cell('start')?.innerText.trim(),
        startTitle: cell('start')?.title,
      }
    }),
  )
}

const ready = (page) => page.waitForSelector('.table-box[aria-busy=false]')

/** waitRows waits until the page shows exactly these ids. */
function waitRows(page, ids) {
  return page.waitForFunction((ids) => [...document.querySelectorAll('tr[data-row]')].map((r) => r.dataset.id).join() === ids, ids.join())
}

describe('rows', () => {
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kathmandu']) {
    test(`equal the API’s in ${zone}`, async () => {
      const page = await openPage(browser, server, '?app=many&tab=traces&size=100', { zone })
      await ready(page)
      const want = (await list('many', '?page_size=100')).data
      const got = await rows(page)
      assert.equal(got.length, 100)
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: '2-digit', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
      for (const [i, w] of want.entries()) {
        const g = got[i]
        assert.equal(g.id, w.id)
        assert.equal(g.status, w.status)
        assert.equal(g.statusText.toLowerCase().replace(/ · stale$/, ''), w.status)
        assert.equal(g.tokens, w.usage.total_tokens === null ? '—' : w.usage.total_tokens.toLocaleString('en-US'))
        const cost = w.usage.total_tokens_cost_usd
        if (cost === null) assert.equal(g.cost, '—')
        else {
          assert.ok(Math.abs(Number(/\$([\d.,]+)/.exec(g.costTitle)[1].replaceAll(',', '')) - cost) < 1e-12, `${g.costTitle} is ${cost}`)
          assert.ok(Math.abs(Number(g.cost.slice(1)) / cost - 1) < 1e-3, `${g.cost} is about ${cost}`)
        }
        if (w.duration_ms === null) assert.equal(g.duration, '—')
        else {
          assert.equal(Number(g.durationTitle.replace(' ms', '').replaceAll(',', '')), w.duration_ms)
          const [n, unit] = g.duration.split(' ')
          assert.ok(Math.abs((Number(n) * (unit === 's' ? 1000 : 1)) / w.duration_ms - 1) < 0.01, `${g.duration} is about ${w.duration_ms} ms`)
        }
        assert.equal(g.startTitle, w.started_at)
        assert.equal(g.start, clock.format(new Date(w.started_at)))
      }
      await closePage(page)
    })
  }

  test('pages, page sizes, exact totals and the back button', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    const all = (await list('many', '?page_size=1000')).data.map((t) => t.id)
    assert.equal(all.length, 230)
    assert.match(await page.locator('.pager').innerText(), /1–50 of 230/)
    await page.getByRole('button', { name: 'Page 5' }).click()
    await waitRows(page, all.slice(200))
    assert.match(await page.locator('.pager').innerText(), /201–230 of 230/)
    assert.equal(await page.getByRole('button', { name: 'Next page' }).isDisabled(), true)
    await page.goBack()
    await waitRows(page, all.slice(0, 50))
    await page.getByLabel('Rows of a page').selectOption('20')
    await waitRows(page, all.slice(0, 20))
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Next page' }).click()
    await waitRows(page, all.slice(20, 40))
    assert.match(page.url(), /size=20/)
    assert.match(page.url(), /page=2/)
    await page.getByRole('button', { name: /^Start/ }).click()
    await waitRows(page, all.toReversed().slice(0, 20))
    await closePage(page)
  })

  test('filters by status and time, deep links, no match', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    await page.getByRole('button', { name: 'Failed' }).click()
    const failed = (await list('many', '?status=failed&page_size=50')).data.map((t) => t.id)
    assert.ok(failed.length > 10)
    await waitRows(page, failed)
    await page.getByRole('button', { name: 'Canceled' }).click()
    const both = await list('many', '?status=failed&status=canceled&page_size=50')
    await waitRows(page, both.data.map((t) => t.id))
    const link = page.url()
    assert.match(link, /status=failed&status=canceled/)
    await page.getByRole('button', { name: 'All dates' }).click()
    await page.getByLabel('From').fill('2026-05-02T02:00:00')
    await page.getByRole('button', { name: 'Apply' }).click()
    const part = await list('many', '?status=failed,canceled&page_size=50&started_at:gte=2026-05-02T00:00:00Z')
    await waitRows(page, part.data.map((t) => t.id))
    const other = await openPage(browser, server, new URL(page.url()).search)
    await waitRows(other, part.data.map((t) => t.id))
    await closePage(other)
    await page.goBack()
    await waitRows(page, both.data.map((t) => t.id))
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.waitForFunction(() => document.querySelector('.pager [data-total]')?.dataset.total === '230')
    await page.goto(server.base + '?app=many&tab=traces&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z')
    await page.getByText('No trace matches these filters').waitFor()
    await page.getByRole('button', { name: 'Clear them' }).click()
    await ready(page)
    await closePage(page)
  })

  test('a filter that the API refuses says so', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces&nonsense=1', { allow: [/status of 400/] })
    const alert = page.getByRole('alert').filter({ hasText: 'could not be listed' })
    await alert.waitFor()
    assert.match(await alert.innerText(), /nonsense/)
    await page.getByRole('button', { name: 'Remove the filter nonsense' }).click()
    await ready(page)
    await closePage(page)
  })

  test('every filter of the API is on offer', async () => {
    const doc = await server.api('/openapi.json')
    const own = ['status', 'started_at:gte', 'started_at:gt', 'started_at:lte', 'started_at:lt', 'page', 'page_size', 'cursor', 'sort', 'preview', 'q']
    const names = doc.paths['/v1/apps/{app_id}/traces'].get.parameters.filter((p) => p.in === 'query' && !own.includes(p.name)).map((p) => p.name)
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    const button = page.getByRole('button', { name: 'Filter', exact: true })
    if (names.length === 0) assert.equal(await button.count(), 0)
    else {
      await button.click()
      assert.deepEqual(await page.getByLabel('Filter by').locator('option').evaluateAll((o) => o.map((x) => x.value)), names)
    }
    await closePage(page)
  })

  test('columns by choice', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    const heads = () => page.locator('thead th').evaluateAll((l) => l.map((x) => x.className.split(' ')[0].slice(2)))
    assert.deepEqual(await heads(), ['status', 'name', 'input', 'output', 'cost', 'tokens', 'duration', 'start', 'actions'])
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByRole('checkbox', { name: 'Trace id' }).check()
    await page.getByRole('checkbox', { name: 'Input', exact: true }).uncheck()
    assert.deepEqual(await heads(), ['status', 'name', 'output', 'cost', 'tokens', 'duration', 'start', 'id', 'actions'])
    assert.match(page.url(), /cols=/)
    await page.reload()
    await ready(page)
    assert.deepEqual(await heads(), ['status', 'name', 'output', 'cost', 'tokens', 'duration', 'start', 'id', 'actions'])
    await closePage(page)
  })

  test('a trace opens by its id', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces', { allow: [/status of 404/] })
    await ready(page)
    const id = (await list('many', '?page_size=1&page=77')).data[0].id
    await page.keyboard.press('/')
    await page.keyboard.type('nothing-like-it')
    await page.keyboard.press('Enter')
    await page.getByText('No trace has this id').waitFor()
    await page.locator('#find').fill(id)
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog.rs-sheet')
    assert.equal(new URL(page.url()).searchParams.get('trace'), id)
    await closePage(page)
  })
})

describe('live', () => {
  test('a tab shows what it showed last at once, marked, and then the present', async () => {
    const now = Date.now()
    await server.send('again', [run(now - 9000), run(now - 8000)])
    const page = await openPage(browser, server, '?app=again&tab=traces')
    await page.getByLabel('Automatic refresh').selectOption('0')
    await ready(page)
    const old = (await rows(page)).map((r) => r.id)
    await page.keyboard.press('1')
    await page.waitForSelector('.charts[aria-busy=false] .uplot')
    await server.send('again', [run(now - 7000)])
    const want = (await list('again', '')).data.map((t) => t.id)
    const gate = {}
    gate.promise = new Promise((resolve) => (gate.resolve = resolve))
    const hold = async (route) => {
      await gate.promise
      await route.continue()
    }
    await page.route(/\/(traces|metrics)\?/, hold)
    // The answer is held back: what was there is shown, and said to be old.
    await page.keyboard.press('2')
    await page.waitForSelector('.table-box.stale[aria-busy=true] tr[data-row]')
    assert.deepEqual((await rows(page)).map((r) => r.id), old)
    await page.keyboard.press('1')
    await page.waitForSelector('.charts.stale[aria-busy=true] .uplot')
    const requests = () => page.locator('[data-chart=requests] .headline').getAttribute('data-total')
    assert.equal(await requests(), '2')
    gate.resolve()
    await page.waitForSelector('.charts[aria-busy=false]:not(.stale)')
    assert.equal(await requests(), '3')
    await page.keyboard.press('2')
    await waitRows(page, want)
    await ready(page)
    assert.equal(await page.locator('.pager [data-total]').getAttribute('data-total'), '3')
    assert.equal(await page.locator('.stale').count(), 0)
    // Another token sees nothing of it.
    await page.getByRole('button', { name: 'Session' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    const narrow = (await server.api('/v1/tokens', { method: 'POST', body: { name: 'other', apps: ['other'], rights: ['read'] } })).data.token
    await page.getByLabel('Token').fill(narrow)
    await page.keyboard.press('Enter')
    await page.getByText('No runs in').or(page.getByRole('alert')).first().waitFor()
    assert.equal(await page.locator('tr[data-row]').count(), 0)
    await server.api('/v1/tokens/other', { method: 'DELETE' })
    page.allowed.push(/status of 40[34]/)
    await closePage(page)
  })

  test('a long page is drawn whole', async () => {
    await server.send('long', Array.from({ length: 450 }, (_, i) => run(t0 + i * 1000)))
    const page = await openPage(browser, server, '?app=long&tab=traces&size=500')
    await ready(page)
    const want = (await list('long', '?page_size=500')).data.map((t) => t.id)
    assert.deepEqual((await rows(page)).map((r) => r.id), want)
    await closePage(page)
  })

  test('new runs are announced, rows stay; running ones are brought up to date', async () => {
    const open = run(Date.now() - 5000, { ms: null, status: undefined, output: null })
    await server.send('live', [run(Date.now() - 9000), open, run(Date.now() - 8000)])
    const page = await openPage(browser, server, '?app=live&tab=traces')
    await page.getByLabel('Automatic refresh').selectOption('5')
    await ready(page)
    const before = (await rows(page)).map((r) => r.id)
    assert.equal(before.length, 3)
    assert.equal((await rows(page))[0].status, 'running')
    await server.send('live', [{ ...open, status: 'succeeded', end_time: new Date().toISOString(), output: 'done' }, ...Array.from({ length: 12 }, (_, i) => run(Date.now() - i))])
    await page.getByRole('button', { name: '12 new' }).waitFor({ timeout: 15_000 })
    await page.waitForFunction((id) => document.querySelector(`tr[data-id="${id}"] .status`)?.dataset.status === 'succeeded', open.trace_id)
    assert.deepEqual((await rows(page)).map((r) => r.id), before)
    await shot(page, 'traces-news')
    await page.getByRole('button', { name: '12 new' }).click()
    await page.waitForFunction(() => document.querySelectorAll('tr[data-row]').length === 15)
    assert.equal(await page.locator('.news button').count(), 0)
    await closePage(page)
  })
})

describe('values', () => {
  test('the eye shows a value whole, in place', async () => {
    const long = 'word '.repeat(2000) + 'the end'
    const root = run(Date.now() - 5000, { input: { big: 'BIG', text: long }, output: long })
    await server.api('/v1/apps/values/traces', { method: 'POST', body: JSON.stringify({ runs: [root] }).replace('"BIG"', '12345678901234567890') })
    const page = await openPage(browser, server, '?app=values&tab=traces')
    await ready(page)
    await page.getByRole('button', { name: 'Show the input' }).click()
    const input = page.locator('.value[data-field=input] pre')
    await input.waitFor()
    assert.match(await input.innerText(), /"big": 12345678901234567890/)
    assert.match(await input.innerText(), /the end/)
    await page.getByRole('button', { name: 'Show the output' }).click()
    await page.locator('.value[data-field=output] pre').waitFor()
    assert.equal(await page.locator('.value[data-field=output] pre').textContent(), long)
    await shot(page, 'traces-values')
    await page.getByRole('button', { name: 'Hide the input' }).click()
    assert.equal(await page.locator('.value[data-field=input]').count(), 0)
    await closePage(page)
  })

  test('hostile texts are texts', async () => {
    const evil = [
      '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '</td></tr></table><h1>gone</h1>', '&lt;b&gt;', '{{constructor}}',
      'javascript:alert(1)', '\u202egnp.exe', 'שלום עולם 123', '\u0000\u0007\u001b[31mred', '👩‍👩‍👧‍👦🏳️‍🌈', 'a\u200bb\ufeffc', '\u2066x\u2069', 'z\u0335\u0336\u0337'.repeat(40),
      '"><svg onload=alert(1)>', "'; DROP TABLE traces; --",
    ]
    const runs = evil.map((text, i) => run(Date.now() - 60_000 + i * 1000, { name: text, input: text, output: { [text]: text }, session_id: text.slice(0, 60), tags: [text.slice(0, 60)] }))
    runs.push(run(Date.now() - 1000, { trace_id: '<b>../..\\"x', input: 'y'.repeat(5 << 20) }))
    await server.send('evil', runs)
    for (const dark of [false, true]) {
      const page = await openPage(browser, server, '?app=evil&tab=traces&cols=status,name,input,output,id,session,tags', { dark })
      await ready(page)
      assert.equal(await page.locator('tr[data-row]').count(), evil.length + 1)
      const elements = await page.locator('table').evaluate((t) => [...t.querySelectorAll('script, img, h1, b')].filter((e) => !e.closest('.pager')).length)
      assert.equal(elements, 0)
      for (const text of ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '</td></tr></table><h1>gone</h1>', 'שלום עולם 123', '👩‍👩‍👧‍👦🏳️‍🌈']) {
        const at = page.locator('tr[data-row]', { has: page.locator('.c-input bdi', { hasText: text }) })
        assert.equal(await at.count(), 1, text)
        assert.equal(await at.locator('.c-input bdi').textContent(), text)
      }
      // What cannot be seen has a mark, in the row and in place.
      assert.match(await page.locator('table').innerText(), /U\+202Egnp\.exe/)
      assert.match(await page.locator('table').innerText(), /NULBELESC\[31mred/)
      const name = page.locator('tr[data-row] .c-name', { hasText: 'U+2069' })
      assert.equal(await name.innerText(), 'U+2066xU+2069')
      // 5 MB on one line: in parts.
      const big = page.locator('tr[data-row]').first()
      await big.getByRole('button', { name: 'Show the input' }).click()
      const pre = page.locator('.value[data-field=input] pre')
      await pre.waitFor()
      assert.equal((await pre.textContent()).length, (64 << 10) - 1)
      await page.getByRole('button', { name: 'Show more' }).click()
      await page.waitForFunction(() => document.querySelector('.value pre').textContent.length === (64 << 10) + (256 << 10) - 1)
      if (!dark) {
        const saved = page.waitForEvent('download')
        await page.getByRole('button', { name: 'Download all' }).click()
        assert.equal(JSON.parse(readFileSync(await (await saved).path(), 'utf8')), 'y'.repeat(5 << 20))
      }
      await assertAccessible(page, 'hostile')
      await shot(page, `traces-hostile${dark ? '-dark' : ''}`)
      const width = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
      assert.ok(width, 'the page is wider than the window')
      await closePage(page)
    }
  })

  test('a row downloads as <trace-id>.json, digits and all', async () => {
    const root = run(Date.now() - 3000, { input: { n: 0.1, m: 1.1 } })
    const body = JSON.stringify({ runs: [root, run(Date.now() - 2500, { trace_id: root.trace_id, parent_run_id: root.id, type: 'node', name: 'child' })] }).replace('1.1', '12345678901234567890.123')
    await server.api('/v1/apps/row/traces', { method: 'POST', body })
    const page = await openPage(browser, server, '?app=row&tab=traces')
    await ready(page)
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: /^Download .*json$/ }).click()
    const file = await saved
    assert.equal(file.suggestedFilename(), `${root.trace_id}.json`)
    const text = readFileSync(await file.path(), 'utf8')
    assert.match(text, /12345678901234567890\.123/)
    const trace = JSON.parse(text)
    assert.equal(trace.id, root.trace_id)
    assert.equal(trace.runs.length, 2)
    await closePage(page)
  })
})

describe('export', () => {
  async function dialog(path, more) {
    const page = await openPage(browser, server, path, more)
    await ready(page)
    await page.getByRole('button', { name: 'Export' }).click()
    await page.waitForSelector('dialog [data-matching]:not([data-matching=""])')
    return page
  }

  async function saved(page) {
    const event = page.waitForEvent('download')
    await page.locator('dialog').getByRole('button', { name: 'Export' }).click()
    const file = await event
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
  }

  test('with no date range, the span of the listed traces', async () => {
    const page = await dialog('?app=many&tab=traces&page=2')
    assert.equal(await page.locator('dialog [data-matching]').getAttribute('data-matching'), '50')
    const { name, text } = await saved(page)
    assert.equal(name, 'many-traces.json')
    const want = (await list('many', '?page=2&page_size=50')).data.map((t) => t.id)
    assert.deepEqual(JSON.parse(text).map((t) => t.id), want)
    await page.getByText('in memory until it is whole: at most 1 GB').waitFor()
    await page.getByText('50 traces exported to many-traces.json').waitFor()
    await closePage(page)
  })

  test('all dates, JSON lines, runs, and filters', async () => {
    const page = await dialog('?app=many&tab=traces&status=failed')
    await page.locator('dialog').getByRole('button', { name: 'All dates' }).click()
    await page.getByLabel('JSON lines').check()
    await page.getByLabel('Include runs').check()
    await shot(page, 'export')
    await assertAccessible(page, 'export')
    const want = (await list('many', '?status=failed&page_size=1000')).data
    const { name, text } = await saved(page)
    assert.equal(name, 'many-traces.jsonl')
    const got = text.trim().split('\n').map((l) => JSON.parse(l))
    assert.deepEqual(got.map((t) => t.id), want.map((t) => t.id))
    assert.ok(got.every((t) => t.runs.length === t.run_count))
    await closePage(page)
  })

  test('goes on where the server cuts', async () => {
    const cut = await startServer({ args: ['--export-budget', '1ms'] })
    try {
      await cut.send('big', spread(t0, t0 + 86_400_000, 1500).map((r) => ({ ...r, input: { text: 'long '.repeat(300) + r.id } })))
      const page = await openPage(browser, cut, '?app=big&tab=traces')
      await ready(page)
      let calls = 0
      page.on('request', (r) => (calls += r.url().includes('/download?') ? 1 : 0))
      await page.getByRole('button', { name: 'Export' }).click()
      await page.locator('dialog').getByRole('button', { name: 'All dates' }).click()
      await page.waitForSelector('dialog [data-matching="1500"]')
      const { text } = await saved(page)
      const got = JSON.parse(text).map((t) => t.id)
      assert.equal(new Set(got).size, 1500)
      assert.equal(got.length, 1500)
      assert.ok(calls > 1, `${calls} downloads`)
      await closePage(page)
    } finally {
      await cut.stop()
    }
  })

  /** withPicker puts files of the browser's own storage in place of the native question, which cannot be driven. */
  const withPicker = (page) =>
    page.evaluate(() => {
      globalThis.showSaveFilePicker = async (options) => {
        globalThis.asked = options
        const root = await navigator.storage.getDirectory()
        return root.getFileHandle('picked', { create: true })
      }
    })
  const picked = (page) =>
    page.evaluate(async () => {
      const root = await navigator.storage.getDirectory()
      for await (const name of root.keys()) if (name === 'picked') return (await (await root.getFileHandle(name)).getFile()).text()
      return null
    })

  test('writes straight to a file where the browser can', async () => {
    const cut = await startServer({ args: ['--export-budget', '1ms'] })
    try {
      await cut.send('big', spread(t0, t0 + 86_400_000, 1500).map((r) => ({ ...r, input: { text: 'long '.repeat(300) + r.id } })))
      const page = await openPage(browser, cut, '?app=big&tab=traces', { picker: true })
      await ready(page)
      await withPicker(page)
      let calls = 0
      let files = 0
      page.on('request', (r) => (calls += r.url().includes('/download?') ? 1 : 0))
      page.on('download', () => files++)
      await page.getByRole('button', { name: 'Export' }).click()
      assert.equal(await page.getByText('in memory until it is whole').count(), 0)
      await page.locator('dialog').getByRole('button', { name: 'All dates' }).click()
      await page.waitForSelector('dialog [data-matching="1500"]')
      await page.locator('dialog').getByRole('button', { name: 'Export' }).click()
      await page.getByText('1,500 traces exported to picked').waitFor()
      assert.equal(await page.evaluate(() => globalThis.asked.suggestedName), 'big-traces.json')
      const want = []
      for (const n of [1, 2]) want.push(...(await cut.api(`/v1/apps/big/traces?page_size=1000&page=${n}`)).data.map((t) => t.id))
      assert.deepEqual(JSON.parse(await picked(page)).map((t) => t.id), want)
      assert.ok(calls > 1, `${calls} downloads`)
      assert.equal(files, 0)
      await closePage(page)
    } finally {
      await cut.stop()
    }
  })

  test('leaves no file behind that is canceled or breaks off', async () => {
    const page = await dialog('?app=many&tab=traces', { picker: true })
    await withPicker(page)
    const button = page.locator('dialog').getByRole('button', { name: 'Export' })
    const gate = {}
    gate.promise = new Promise((resolve) => (gate.resolve = resolve))
    await page.route('**/download?*', async (route) => {
      await gate.promise
      await route.abort().catch(() => undefined)
    })
    await button.click()
    await page.waitForSelector('dialog progress')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.waitForSelector('dialog progress', { state: 'detached' })
    gate.resolve()
    assert.equal(await picked(page), null)
    await page.unroute('**/download?*')
    await page.route('**/download?*', (route) => route.fulfill({ status: 200, contentType: 'application/x-ndjson', body: '{"id":"a"}\n{"id":' }))
    await button.click()
    await page.getByText('The export broke off').waitFor()
    assert.equal(await picked(page), null)
    // Closing the question is no error, and nothing is asked of the server.
    await page.evaluate(() => {
      globalThis.showSaveFilePicker = () => Promise.reject(new DOMException('closed', 'AbortError'))
    })
    await button.click()
    await page.getByText('The export broke off').waitFor({ state: 'detached' })
    assert.equal(await page.locator('dialog [role=alert]').count(), 0)
    await closePage(page)
  })

  test('shows progress and can be canceled', async () => {
    const page = await dialog('?app=many&tab=traces')
    const gate = {}
    gate.promise = new Promise((resolve) => (gate.resolve = resolve))
    const passed = new Promise((done) =>
      page.route('**/download?*', async (route) => {
        await gate.promise
        await route.continue().catch(() => undefined)
        done()
      }),
    )
    let files = 0
    page.on('download', () => files++)
    await page.locator('dialog').getByRole('button', { name: 'Export' }).click()
    await page.waitForSelector('dialog progress')
    await shot(page, 'export-progress')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.waitForSelector('dialog progress', { state: 'detached' })
    gate.resolve()
    await passed
    await page.waitForTimeout(500)
    assert.equal(files, 0)
    await closePage(page)
  })

  test('an export that breaks off is not saved', async () => {
    const page = await dialog('?app=many&tab=traces')
    await page.route('**/download?*', (route) => route.fulfill({ status: 200, contentType: 'application/x-ndjson', body: '{"id":"a"}\n{"id":' }))
    await page.locator('dialog').getByRole('button', { name: 'Export' }).click()
    await page.getByText('The export broke off').waitFor()
    await closePage(page)
  })
})

describe('keyboard and looks', () => {
  test('j, k, arrows, Enter, Esc, e, d, n, p', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    const ids = (await rows(page)).map((r) => r.id)
    const focused = () => page.evaluate(() => document.activeElement?.dataset?.id ?? null)
    await page.keyboard.press('j')
    assert.equal(await focused(), ids[0])
    await page.keyboard.press('j')
    await page.keyboard.press('ArrowDown')
    assert.equal(await focused(), ids[2])
    await page.keyboard.press('k')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('k')
    assert.equal(await focused(), ids[0])
    await page.keyboard.press('j')
    await page.keyboard.press('e')
    await page.waitForSelector('.values')
    await page.keyboard.press('e')
    await page.waitForSelector('.values', { state: 'detached' })
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog.rs-sheet')
    assert.equal(new URL(page.url()).searchParams.get('trace'), ids[1])
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog.rs-sheet', { state: 'detached' })
    assert.equal(await focused(), ids[1])
    const saved = page.waitForEvent('download')
    await page.keyboard.press('d')
    assert.equal((await saved).suggestedFilename(), `${ids[1]}.json`)
    await page.keyboard.press('n')
    await page.waitForURL(/page=2/)
    await page.keyboard.press('p')
    await page.waitForURL((u) => !u.searchParams.has('page'))
    await closePage(page)
  })

  test('a click on the status opens the run tree, and its link opens it too', async () => {
    const page = await openPage(browser, server, '?app=many&tab=traces')
    await ready(page)
    const status = page.locator('tr[data-row="3"] .c-status a')
    const href = await status.getAttribute('href')
    await status.click()
    await page.waitForSelector('dialog.rs-sheet')
    const other = await openPage(browser, server, href.slice(1))
    await other.waitForSelector('dialog.rs-sheet')
    await closePage(other)
    await page.goBack()
    await page.waitForSelector('dialog.rs-sheet', { state: 'detached' })
    await closePage(page)
  })

  for (const dark of [false, true]) {
    for (const [width, height] of [[360, 740], [768, 1024], [1440, 900], [3840, 2160]]) {
      test(`accessible and no wider than ${width}, ${dark ? 'dark' : 'light'}`, async () => {
        for (const tab of ['monitoring', 'traces']) {
          const page = await openPage(browser, server, `?app=many&tab=${tab}&from=2026-05-01T00:00:00Z&to=2026-05-06T00:00:00Z`, { dark, width, height })
          await page.waitForSelector(tab === 'traces' ? '.table-box[aria-busy=false]' : '.uplot')
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${tab} is wider than the window`)
          await assertAccessible(page, `${tab} at ${width}`)
          await shot(page, `${tab}-${width}${dark ? '-dark' : ''}`)
          await closePage(page)
        }
      })
    }
  }
})
