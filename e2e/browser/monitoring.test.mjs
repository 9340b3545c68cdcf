// The tab of charts: every number equals the API's, in three time zones and
// across changes of the clock; everything a reader can do to a chart.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { run, spread } from './data.mjs'
import { assertAccessible, boxOf, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'

const hour = 3_600_000
let server, browser
before(async () => {
  server = await startServer()
  browser = await startBrowser()
  // The weeks around the changes of clocks in Europe and in America.
  await server.send('dst', spread(Date.UTC(2026, 2, 5), Date.UTC(2026, 3, 2), 700))
  await server.send('dst', spread(Date.UTC(2026, 9, 22), Date.UTC(2026, 10, 4), 300, 7))
  await server.send('now', spread(Date.now() - 13 * 24 * hour, Date.now() - 60_000, 300, 3))
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

/** The numbers of a text: "Prompt $1,234.50" → 1234.5; null for "—". */
function number(text) {
  if (text.trim() === '—') return null
  const m = /-?[\d,]+(?:\.\d+)?/.exec(text)
  assert.ok(m, `no number in ${JSON.stringify(text)}`)
  return Number(m[0].replaceAll(',', ''))
}

function same(got, want, what) {
  if (want === null) assert.equal(got, null, what)
  else assert.ok(Math.abs(got - want) <= 1e-12 + Math.abs(want) * 1e-12, `${what}: on screen ${got}, from the API ${want}`)
}

/** Durations are shown in seconds to the microsecond, which is what is stored; averages have more digits. */
const seconds = (ms) => (ms === null ? null : Number((ms / 1000).toFixed(6)))

const picks = {
  cost: { prompt: (s) => s.usage.prompt_tokens_cost_usd, completion: (s) => s.usage.completion_tokens_cost_usd },
  tokens: { prompt: (s) => s.usage.prompt_tokens, completion: (s) => s.usage.completion_tokens },
  requests: { succeeded: (s) => s.success_count, failed: (s) => s.failure_count, canceled: (s) => s.canceled_count, running: (s) => s.running_count },
  latency: { avg: (s) => s.duration.avg, p50: (s) => s.duration.p50, p95: (s) => s.duration.p95, p99: (s) => s.duration.p99 },
}
const totals = {
  cost: (s) => s.usage.total_tokens_cost_usd,
  tokens: (s) => s.usage.total_tokens,
  requests: (s) => s.invocation_count,
  latency: (s) => s.duration.avg,
}

/** What a chart shows now: name of the series → text, and the rest. */
function read(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('[data-chart]')].map((c) => [
        c.dataset.chart,
        {
          total: c.querySelector('.headline').dataset.total,
          exact: c.querySelector('.headline').title,
          at: c.querySelector('.at')?.firstChild?.textContent ?? null,
          barTotal: c.querySelector('.at b')?.textContent ?? null,
          unpriced: c.querySelector('.unpriced b')?.textContent ?? null,
          bars: Number(c.querySelector('.plot').getAttribute('aria-valuemax')) + 1,
          series: Object.fromEntries([...c.querySelectorAll('[data-series]')].map((l) => [l.dataset.series, l.querySelector('b').textContent])),
        },
      ]),
    ),
  )
}

function compare(shown, stats, what) {
  for (const [chart, series] of Object.entries(picks)) {
    for (const [id, text] of Object.entries(shown[chart].series)) {
      const want = series[id](stats)
      same(number(text), chart === 'latency' ? seconds(want) : want, `${what}, ${chart}, ${id}`)
    }
  }
  assert.equal(shown.cost.unpriced === null ? 0 : number(shown.cost.unpriced), stats.usage.unpriced_count, `${what}, unpriced`)
}

async function metrics(app, from, to, interval, timezone) {
  const end = new Date(Date.parse(to) - 1).toISOString().replace('Z', '999Z')
  const q = new URLSearchParams({ start_time: from, end_time: end, interval, timezone })
  return (await server.api(`/v1/apps/${app}/metrics?${q}`)).data
}

describe('numbers on screen are the API’s', () => {
  const cases = [
    ['UTC', 'day', '2026-03-06T00:00:00Z', '2026-04-01T00:00:00Z', 26],
    ['Europe/Berlin', 'day', '2026-03-25T23:00:00Z', '2026-04-01T22:00:00Z', 7], // 29 March has 23 hours
    ['Europe/Berlin', 'hour', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 25],
    ['America/New_York', 'day', '2026-10-29T04:00:00Z', '2026-11-03T05:00:00Z', 5], // 1 November has 25 hours
    ['America/New_York', 'week', '2026-03-05T05:30:00Z', '2026-04-01T12:15:00Z', 5],
    ['Asia/Kathmandu', 'hour', '2026-03-28T18:15:00Z', '2026-03-29T18:15:00Z', 24],
    ['Asia/Kathmandu', 'month', '2026-03-01T00:00:00Z', '2026-11-05T00:00:00Z', 9],
  ]
  for (const [zone, by, from, to, bars] of cases) {
    test(`${zone} by ${by} from ${from}`, async () => {
      const page = await openPage(browser, server, `?app=dst&by=${by}&from=${from}&to=${to}&lat=p50,p95,p99`, { zone })
      await page.waitForSelector('.uplot')
      const want = await metrics('dst', from, to, by, zone)
      assert.ok(want.summary.invocation_count > 10)
      const whole = await read(page)
      assert.equal(whole.cost.bars, bars)
      assert.equal(want.series.length, bars)
      compare(whole, want.summary, 'the period')
      for (const [chart, pick] of Object.entries(totals)) {
        same(Number(whole[chart].total), pick(want.summary), `total of ${chart}`)
        same(number(whole[chart].exact), chart === 'latency' ? seconds(pick(want.summary)) : pick(want.summary), `exact total of ${chart}`)
      }
      // Bar by bar with the keyboard; one crosshair moves in all charts.
      await page.focus('[data-chart=requests] .plot')
      for (let i = 0; i < bars; i++) {
        await page.keyboard.press('ArrowRight')
        const shown = await read(page)
        compare(shown, want.series[i].metrics, `bar ${i}`)
        for (const chart of ['cost', 'tokens', 'requests']) {
          same(number(shown[chart].barTotal), totals[chart](want.series[i].metrics), `bar ${i}, total of ${chart}`)
        }
        assert.equal(new Set(Object.values(shown).map((c) => c.at)).size, 1)
      }
      await closePage(page)
    })
  }

  test('the zone of the browser is sent unless another one is chosen', async () => {
    const page = await openPage(browser, server, '?app=now', { zone: 'Asia/Tokyo' })
    const asked = page.waitForRequest((r) => r.url().includes('/metrics?') && r.url().includes('timezone=America'))
    await page.waitForSelector('.uplot')
    assert.match(await page.getByLabel('Time zone').inputValue(), /^$/)
    await page.getByLabel('Time zone').selectOption('America/New_York')
    const q = new URL((await asked).url()).searchParams
    assert.equal(q.get('timezone'), 'America/New_York')
    // Fourteen whole days of New York, today's among them.
    const start = new Date(q.get('start_time'))
    assert.equal(new Intl.DateTimeFormat('en-GB', { timeZone: 'America/New_York', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(start), '00:00')
    assert.match(page.url(), /tz=America%2FNew_York/)
    await page.waitForFunction(() => document.querySelector('[data-chart=cost] .plot')?.getAttribute('aria-valuemax') === '13')
    await closePage(page)
  })
})

describe('charts', () => {
  const day = '?app=dst&by=day&from=2026-03-10T00:00:00Z&to=2026-03-20T00:00:00Z&tz=UTC'

  async function box(page, chart) {
    await page.waitForSelector(`[data-chart=${chart}] .u-over`)
    return boxOf(page.locator(`[data-chart=${chart}] .u-over`))
  }

  test('the pointer shows exact values in all charts, and none when it leaves', async () => {
    const page = await openPage(browser, server, day)
    const b = await box(page, 'tokens')
    await page.mouse.move(b.x + b.width * 0.55, b.y + b.height / 2)
    const want = await metrics('dst', '2026-03-10T00:00:00Z', '2026-03-20T00:00:00Z', 'day', 'UTC')
    await page.waitForSelector('.at')
    const shown = await read(page)
    assert.equal(shown.latency.at, 'Sun, 15 Mar 2026')
    compare(shown, want.series[5].metrics, 'bar 5')
    await shot(page, 'monitoring-hover')
    await page.mouse.move(5, 5)
    await page.waitForSelector('.at', { state: 'detached' })
    compare(await read(page), want.summary, 'the period')
    await closePage(page)
  })

  test('a click on a part of a bar opens its traces', async () => {
    const page = await openPage(browser, server, day)
    const want = await metrics('dst', '2026-03-10T00:00:00Z', '2026-03-20T00:00:00Z', 'day', 'UTC')
    const b = await box(page, 'requests')
    await page.mouse.click(b.x + b.width * 0.25, b.y + b.height * 0.85)
    await page.waitForSelector('.pager')
    const q = new URL(page.url()).searchParams
    assert.deepEqual([q.get('tab'), q.get('from'), q.get('to'), q.get('status')], ['traces', '2026-03-12T00:00:00Z', '2026-03-13T00:00:00Z', 'succeeded'])
    assert.equal(Number(await page.locator('.pager [data-total]').getAttribute('data-total')), want.series[2].metrics.success_count)
    await page.goBack()
    await page.waitForSelector('.uplot')
    assert.match(page.url(), /by=day/)
    const c = await box(page, 'cost')
    await page.mouse.click(c.x + c.width * 0.25, c.y + c.height * 0.9)
    await page.waitForSelector('.pager')
    assert.equal(new URL(page.url()).searchParams.get('status'), null)
    assert.equal(Number(await page.locator('.pager [data-total]').getAttribute('data-total')), want.series[2].metrics.invocation_count)
    await closePage(page)
  })

  test('Enter on a chart opens the traces of its bar', async () => {
    const page = await openPage(browser, server, day)
    await page.waitForSelector('.uplot')
    await page.focus('[data-chart=latency] .plot')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.pager')
    assert.equal(new URL(page.url()).searchParams.get('from'), '2026-03-19T00:00:00Z')
    await closePage(page)
  })

  test('dragging zooms, the back button undoes it', async () => {
    const page = await openPage(browser, server, day)
    const b = await box(page, 'cost')
    await page.mouse.move(b.x + b.width * 0.25, b.y + 40)
    await page.mouse.down()
    await page.mouse.move(b.x + b.width * 0.45, b.y + 60, { steps: 5 })
    await page.mouse.up()
    await page.waitForURL(/from=2026-03-12T00:00:00Z&to=2026-03-15T00:00:00Z/)
    await page.waitForFunction(() => document.querySelector('[data-chart=cost] .plot')?.getAttribute('aria-valuemax') === '2')
    assert.match(page.url(), /app=dst/)
    assert.doesNotMatch(page.url(), /tab=traces/)
    await page.goBack()
    await page.waitForFunction(() => document.querySelector('[data-chart=cost] .plot')?.getAttribute('aria-valuemax') === '9')
    await closePage(page)
  })

  test('presets, custom range and width of bars', async () => {
    const page = await openPage(browser, server, '?app=now', { zone: 'UTC' })
    const bars = (n) => page.waitForFunction((n) => document.querySelector('[data-chart=cost] .plot')?.getAttribute('aria-valuemax') === String(n - 1), n)
    await bars(14)
    assert.equal(await page.getByRole('button', { name: 'By Day' }).getAttribute('aria-pressed'), 'true')
    await page.getByRole('button', { name: 'Last 14 days' }).click()
    await page.getByRole('button', { name: 'Last 7 days' }).click()
    await bars(7)
    await page.getByRole('button', { name: 'By Week' }).click()
    await page.waitForURL(/by=week/)
    await page.getByRole('button', { name: 'By Month' }).click()
    await page.waitForURL(/by=month/)
    await page.getByRole('button', { name: 'By Hour' }).click()
    await page.waitForURL(/by=hour/)
    await page.getByRole('button', { name: 'Last 7 days' }).click()
    await page.getByLabel('From').fill('2026-03-28T00:00:00')
    await page.getByLabel('Until').fill('2026-03-27T00:00:00')
    await page.getByText('The end must lie after the start').waitFor()
    await page.getByLabel('Until').fill('2026-03-30T00:00:00')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.waitForURL(/from=2026-03-28T00:00:00Z&to=2026-03-30T00:00:00Z/)
    await page.getByText('No traces started in this range').waitFor()
    await bars(48)
    await closePage(page)
  })

  test('percentiles toggle and stay in the address', async () => {
    const page = await openPage(browser, server, day)
    await page.waitForSelector('.uplot')
    const lines = () => page.locator('[data-chart=latency] [data-series]').evaluateAll((l) => l.map((x) => x.dataset.series))
    assert.deepEqual(await lines(), ['avg', 'p95'])
    await page.getByRole('button', { name: 'p99' }).click()
    await page.getByRole('button', { name: 'p95' }).click()
    assert.deepEqual(await lines(), ['avg', 'p99'])
    assert.match(page.url(), /lat=p99/)
    await closePage(page)
  })

  test('refreshes by itself', async () => {
    const page = await openPage(browser, server, '?app=now&range=1h', { zone: 'UTC' })
    await page.waitForSelector('.uplot')
    await page.getByLabel('Automatic refresh').selectOption('5')
    const n = Number((await read(page)).requests.total)
    await server.send('now', [run(Date.now() - 1000), run(Date.now() - 2000)])
    await page.waitForFunction((n) => document.querySelector('[data-chart=requests] .headline')?.dataset.total === String(n), n + 2, { timeout: 15_000 })
    await closePage(page)
  })
})

describe('states', () => {
  test('a skeleton while loading', async () => {
    const page = await openPage(browser, server, '', { signedIn: true })
    await page.route('**/metrics?*', async (route) => {
      await new Promise((r) => setTimeout(r, 600))
      await route.continue()
    })
    await page.goto(server.base + '?app=dst')
    await page.waitForSelector('.charts .skeleton')
    await shot(page, 'monitoring-skeleton')
    await page.waitForSelector('.uplot')
    assert.equal(await page.locator('.skeleton').count(), 0)
    await closePage(page)
  })

  test('an error says what to do, and trying again works', async () => {
    const page = await openPage(browser, server, '', { allow: [/status of 503/] })
    let fail = true
    await page.route('**/metrics?*', (route) =>
      fail
        ? route.fulfill({ status: 503, headers: { 'Retry-After': '7' }, contentType: 'application/json', body: '{"error":{"code":"unavailable","message":"too many queries"}}' })
        : route.continue(),
    )
    await page.goto(server.base + '?app=dst')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    assert.match(await alert.innerText(), /too many queries\. Try again in 7 s\./)
    await assertAccessible(page, 'error')
    await shot(page, 'monitoring-error')
    fail = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.waitForSelector('.uplot')
    assert.equal(await page.getByRole('alert').count(), 0)
    await closePage(page)
  })

  for (const dark of [false, true]) {
    test(`accessible, ${dark ? 'dark' : 'light'}`, async () => {
      const page = await openPage(browser, server, '?app=now', { dark })
      await page.waitForSelector('.uplot')
      await assertAccessible(page, 'monitoring')
      await shot(page, `monitoring-${dark ? 'dark' : 'light'}`)
      await page.getByRole('button', { name: 'Last 14 days' }).click()
      await assertAccessible(page, 'range menu')
      await shot(page, `range-${dark ? 'dark' : 'light'}`)
      await closePage(page)
    })
  }
})
