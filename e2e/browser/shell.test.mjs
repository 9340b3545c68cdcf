// Signing in, the shell around the tabs, empty apps, and the page below a path.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { run } from './data.mjs'
import { assertAccessible, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'

let server, browser
before(async () => {
  server = await startServer()
  browser = await startBrowser()
  await server.send('one', [run(Date.now() - 60_000)])
  await server.send('two', [run(Date.now() - 50_000), run(Date.now() - 40_000)])
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

const token = async (name, apps, rights, more = {}) => (await server.api('/v1/tokens', { method: 'POST', body: { name, apps, rights, ...more } })).data.token

describe('signing in', () => {
  test('the link of the first start signs in and leaves no token behind', async () => {
    const fresh = await startServer({ token: null })
    try {
      assert.match(fresh.link, /#token=tb_/)
      const page = await openPage(browser, fresh, fresh.link.slice(fresh.base.length), { signedIn: false })
      await page.getByText('No runs in').waitFor()
      assert.doesNotMatch(page.url(), /token|tb_/)
      await page.reload()
      await page.getByText('No runs in').waitFor()
      await page.goBack().catch(() => undefined)
      assert.doesNotMatch(page.url(), /tb_/)
      await closePage(page)
    } finally {
      await fresh.stop()
    }
  })

  test('by hand; what is wrong with a token is said', async () => {
    const page = await openPage(browser, server, '?app=two&tab=traces', { signedIn: false, allow: [/status of 401/] })
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await assertAccessible(page, 'sign-in')
    await shot(page, 'sign-in')
    await page.getByLabel('Token').fill('tb_wrong')
    await page.keyboard.press('Enter')
    await page.getByText('The server refused it: the token is not known').waitFor()
    await page.getByLabel('Token').fill(` ${server.token} `)
    await page.keyboard.press('Enter')
    await page.waitForSelector('tr[data-row]')
    await page.getByRole('button', { name: 'Session' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await closePage(page)
  })

  test('a token in the query is stripped too', async () => {
    const page = await openPage(browser, server, `?app=two&token=${encodeURIComponent(server.token)}`, { signedIn: false })
    await page.waitForSelector('.uplot')
    assert.doesNotMatch(page.url(), /token/)
    await closePage(page)
  })

  test('a token that is revoked or ends while the page is open', async () => {
    const secret = await token('short', '*', ['read'])
    const page = await openPage(browser, server, `?app=two#token=${secret}`, { signedIn: false, allow: [/status of 401/] })
    await page.waitForSelector('.uplot')
    await server.api('/v1/tokens/short', { method: 'DELETE' })
    await page.keyboard.press('r') // no click: the page may find out by itself and take the button away
    await page.getByText('You were signed out: the token is not known').waitFor()
    const end = Date.now() + 8000 // the page is shown well before
    const soon = await token('soon', '*', ['read'], { expires_at: new Date(end).toISOString() })
    await page.goto(`${server.base}?app=two#token=${soon}`)
    await page.reload()
    await page.waitForSelector('.uplot')
    await page.waitForTimeout(Math.max(0, end - Date.now()) + 500)
    await page.reload()
    await page.getByText('You were signed out: the token has expired').waitFor()
    await shot(page, 'expired')
    await closePage(page)
  })

  test('a token that may not read says which one can', async () => {
    const secret = await token('writer', '*', ['write'])
    const page = await openPage(browser, server, `?app=two#token=${secret}`, { signedIn: false })
    await page.getByText('This token may not read').waitFor()
    assert.match(await page.locator('main').innerText(), /tracebed token create NAME --rights read/)
    await closePage(page)
  })

  test('a token of one app sees that app only', async () => {
    const secret = await token('narrow', ['one'], ['read'])
    const page = await openPage(browser, server, `#token=${secret}`, { signedIn: false })
    await page.waitForSelector('.uplot')
    assert.deepEqual(await page.getByLabel('App', { exact: true }).locator('option').allInnerTexts(), ['one (1)'])
    await closePage(page)
  })

  test('a server that is gone', async () => {
    const page = await openPage(browser, server, '?app=two', { allow: [/ERR_|Failed to load/] })
    await page.waitForSelector('.uplot')
    await page.route('**/v1/**', (r) => r.abort())
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await page.getByText('The server cannot be reached').first().waitFor()
    await page.reload()
    await page.getByText('Tracebed did not answer').waitFor()
    await page.unroute('**/v1/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.waitForSelector('.uplot')
    await closePage(page)
  })

  test('without authentication', async () => {
    const open = await startServer({ token: null, args: ['--auth', 'off'] })
    try {
      const page = await openPage(browser, open, '', { signedIn: false })
      await page.getByText('No runs in').waitFor()
      assert.doesNotMatch(await page.locator('.snippet').innerText(), /TOKEN/)
      await page.getByRole('button', { name: 'Session' }).click()
      await page.getByText('authentication is off').waitFor()
      assert.equal(await page.getByRole('button', { name: 'Sign out' }).count(), 0)
      await closePage(page)
    } finally {
      await open.stop()
    }
  })
})

describe('the shell', () => {
  test('an app without runs shows the command that sends the first one, and it works', async () => {
    const app = "it's new/ä"
    const page = await openPage(browser, server, `?app=${encodeURIComponent(app)}`)
    await page.getByText('No runs in').waitFor()
    await page.getByLabel('Automatic refresh').selectOption('5')
    for (const dark of [false, true]) {
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
      await assertAccessible(page, 'empty')
      await shot(page, `empty${dark ? '-dark' : ''}`)
    }
    for (const way of ['Dynamiq', 'OpenTelemetry']) {
      await page.getByRole('button', { name: way }).click()
      assert.ok((await page.locator('.snippet').innerText()).includes(server.base.slice(0, -1)))
    }
    await page.getByRole('button', { name: 'curl' }).click()
    const command = await page.locator('.snippet').innerText()
    const answer = execFileSync('bash', ['-c', command.replace(/^curl/, 'curl -sS')], { env: { ...process.env, TRACEBED_TOKEN: server.token } })
    assert.equal(JSON.parse(answer).data.created, 1)
    // It shows up by itself.
    await page.waitForSelector('.uplot', { timeout: 20_000 })
    assert.equal(await page.locator('[data-chart=requests] .headline').innerText(), '1')
    await closePage(page)
  })

  test('the app picker, the tabs, the history and the title', async () => {
    const page = await openPage(browser, server, '?app=one&status=failed&range=7d&tz=UTC')
    await page.waitForSelector('.uplot')
    await page.getByLabel('App', { exact: true }).selectOption('two')
    await page.waitForURL(/app=two/)
    const q = new URL(page.url()).searchParams
    assert.deepEqual([q.get('status'), q.get('range'), q.get('tz')], [null, '7d', 'UTC'])
    await page.getByRole('link', { name: 'Traces' }).click()
    await page.waitForSelector('tr[data-row]')
    assert.equal(await page.title(), 'Traces · two · Tracebed')
    await page.keyboard.press('1')
    await page.waitForSelector('.uplot')
    await page.keyboard.press('2')
    await page.waitForSelector('tr[data-row]')
    await page.goBack()
    await page.waitForSelector('.uplot')
    // The next visit begins with the same app.
    await page.goto(server.base)
    await page.waitForURL(/app=two/)
    await closePage(page)
  })

  test('the list of keys', async () => {
    const page = await openPage(browser, server, '?app=two')
    await page.waitForSelector('.uplot')
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
    await assertAccessible(page, 'help')
    await shot(page, 'help')
    await page.keyboard.press('2')
    assert.doesNotMatch(page.url(), /traces/)
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'detached' })
    await closePage(page)
  })

  test('light and dark, by the system and by choice', async () => {
    const page = await openPage(browser, server, '?app=two', { dark: true })
    await page.waitForSelector('.uplot')
    const now = () => page.evaluate(() => document.documentElement.dataset.theme)
    assert.equal(await now(), 'dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'light')
    await page.getByRole('button', { name: /^Theme/ }).click()
    await page.getByRole('button', { name: 'Dark' }).click()
    assert.equal(await now(), 'dark')
    await page.reload()
    assert.equal(await now(), 'dark')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.emulateMedia({ colorScheme: 'light' })
    assert.equal(await now(), 'dark')
    await closePage(page)
  })

  test('the order of the focus begins with a link past the bar', async () => {
    const page = await openPage(browser, server, '?app=two')
    await page.waitForSelector('.uplot')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
    await closePage(page)
  })

  test('works below a path of a proxy', async () => {
    const to = new URL(server.base)
    const proxy = http.createServer((req, res) => {
      if (!req.url.startsWith('/team/traces/')) {
        res.writeHead(404).end()
        return
      }
      const up = http.request({ host: to.hostname, port: to.port, method: req.method, path: req.url.slice('/team/traces'.length), headers: req.headers }, (r) => {
        res.writeHead(r.statusCode, r.headers)
        r.pipe(res)
      })
      req.pipe(up)
    })
    await new Promise((r) => proxy.listen(0, '127.0.0.1', r))
    try {
      const base = `http://127.0.0.1:${proxy.address().port}/`
      const page = await openPage(browser, { ...server, base }, 'team/traces/?app=two')
      await page.waitForSelector('.uplot')
      await page.getByRole('link', { name: 'Traces' }).click()
      await page.waitForSelector('tr[data-row]')
      assert.match(page.url(), /\/team\/traces\/\?/)
      await page.locator('tr[data-row] .c-status a').first().click()
      await page.waitForSelector('dialog.rs-sheet')
      await closePage(page)
    } finally {
      proxy.close()
    }
  })
})
