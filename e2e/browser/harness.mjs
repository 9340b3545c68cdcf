// What every browser test uses: a server of its own, a browser, a page that
// fails the test on an error in the console, and the API beside it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const here = dirname(fileURLToPath(import.meta.url))
export const repo = join(here, '..', '..')
export const shots = join(here, 'shots')
mkdirSync(shots, { recursive: true })

const binary = process.env.TRACEBED_BIN ?? join(repo, 'bin', 'tracebed')
const chrome = process.env.CHROMIUM ?? '/usr/bin/chromium'

/**
 * startServer starts the binary on a fresh data directory and a free port.
 * The answer has its address, the link it printed, the token, and stop().
 */
export async function startServer({ demo = false, args = [], token = 'the-admin-token-of-the-tests', data } = {}) {
  const dir = data ?? mkdtempSync(join(tmpdir(), 'tracebed-browser-'))
  const env = { ...process.env }
  delete env.TRACEBED_ADMIN_TOKEN
  if (token) env.TRACEBED_ADMIN_TOKEN = token
  const child = spawn(binary, ['serve', '--data', dir, '--listen', '127.0.0.1:0', '--log-level', 'error', ...(demo ? ['--demo'] : []), ...args], { env })
  let out = ''
  let err = ''
  child.stderr.on('data', (b) => (err += b))
  const link = await new Promise((resolve, reject) => {
    child.stdout.on('data', (b) => {
      out += b
      const m = /Tracebed is ready: (\S+)/.exec(out)
      if (m) resolve(m[1])
    })
    child.on('exit', (code) => reject(new Error(`tracebed ended with ${code}: ${err}`)))
    setTimeout(() => reject(new Error(`tracebed did not start: ${err}`)), 120_000).unref()
  })
  const url = new URL(link)
  const secret = new URLSearchParams(url.hash.slice(1)).get('token') ?? token
  const server = {
    dir,
    link,
    base: url.origin + '/',
    token: secret,
    /** api calls the server beside the browser; parsed JSON of the answer. */
    async api(path, { method = 'GET', body, headers = {} } = {}) {
      const auth = secret ? { Authorization: `Bearer ${secret}` } : {}
      const init = { method, headers: { ...auth, ...headers } }
      if (body !== undefined) {
        init.body = typeof body === 'string' ? body : JSON.stringify(body)
        init.headers['Content-Type'] ??= 'application/json'
      }
      const res = await fetch(new URL(path, url.origin), init)
      const text = await res.text()
      assert.ok(res.ok, `${method} ${path}: ${res.status} ${text}`)
      return JSON.parse(text)
    },
    async send(app, runs) {
      const answer = await server.api(`/v1/apps/${encodeURIComponent(app)}/traces`, { method: 'POST', body: { runs } })
      assert.deepEqual(answer.data.rejected, [])
    },
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.removeAllListeners('exit')
      child.on('exit', () => undefined)
      child.kill('SIGTERM')
      await Promise.race([ended, new Promise((r) => child.once('exit', r))])
      if (!data) rmSync(dir, { recursive: true, force: true })
    },
  }
  return server
}

export function startBrowser() {
  // --no-sandbox: containers of CI run as root, where Chromium has no sandbox.
  return chromium.launch({ executablePath: chrome, args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'] })
}

/**
 * openPage opens a page that is signed in. It collects what the console and
 * the network report as errors; closePage fails the test on any.
 */
export async function openPage(browser, server, path = '', { width = 1440, height = 900, dark = false, zone = 'Europe/Berlin', signedIn = true, allow = [], picker = false } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    timezoneId: zone,
    locale: 'en-GB',
    acceptDownloads: true,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const problems = []
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') problems.push(`${m.type()}: ${m.text()}`)
  })
  page.on('pageerror', (e) => problems.push(`exception: ${e.stack ?? e.message}`))
  page.on('request', (r) => {
    const u = new URL(r.url())
    if (!['data:', 'blob:'].includes(u.protocol) && u.origin + '/' !== server.base) problems.push(`request to ${u.origin}`)
  })
  page.on('dialog', (d) => {
    problems.push(`dialog: ${d.message()}`)
    void d.dismiss()
  })
  page.problems = problems
  page.allowed = allow
  // A browser without a picker of files, as most are; the native one cannot be driven.
  if (!picker) await context.addInitScript(() => delete globalThis.showSaveFilePicker)
  if (signedIn && server.token) {
    await context.addInitScript((t) => localStorage.setItem('tracebed.token', t), server.token)
  }
  await page.goto(server.base + path)
  return page
}

/** closePage ends the page; any error that it had not allowed fails the test. */
export async function closePage(page) {
  await page.context().close()
  const bad = page.problems.filter((p) => !page.allowed.some((a) => a.test(p)))
  assert.deepEqual(bad, [])
}

/**
 * boxOf is the box of an element once two frames are drawn: DevTools may give
 * that of the frame before (4 of 200 runs right behind a key that moved it).
 */
export async function boxOf(locator) {
  await locator.page().evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
  return locator.boundingBox()
}

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** assertAccessible runs axe; serious and critical findings fail the test. */
export async function assertAccessible(page, what) {
  // The page's policy lets no foreign script in; the test goes around it.
  await page.evaluate(await (await import('node:fs/promises')).readFile(axeSource, 'utf8'))
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const bad = found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${what}: ${v.id} (${v.impact}): ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary ?? ''}`).slice(0, 4).join(' | ')}`)
  assert.deepEqual(bad, [])
}

export function shot(page, name) {
  return page.screenshot({ path: join(shots, `${name}.png`) })
}
