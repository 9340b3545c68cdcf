// Values in the run sheet: hostile texts, large ones, numbers of many digits.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { assertAccessible, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'
import { DIGITS, heavyTrace, HOSTILE, hostileTrace, link, send } from './runsheet-data.mjs'

let server
let browser

before(async () => {
  server = await startServer()
  browser = await startBrowser()
  await send(server, 'x', hostileTrace('hostile'))
  await send(server, 'x', heavyTrace('heavy'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const notHacked = async (page) => {
  assert.equal(await page.evaluate(() => globalThis.__hacked), undefined)
  assert.equal(await page.locator('.rs-sheet b:not(.rs-score b), .rs-sheet script, .rs-sheet img[src="x"]').count(), 0)
}

test('hostile texts are shown as text, what cannot be seen by marks', async () => {
  for (const view of ['tree', 'timeline', 'graph']) {
    const page = await openPage(browser, server, link('hostile', { run: 'hostile-llm', view }, 'x'))
    await page.waitForSelector('.rs-messages')
    const text = await page.locator('.rs-messages').textContent()
    assert.ok(text.includes(HOSTILE.html), 'HTML is text')
    assert.ok(text.includes(HOSTILE.emoji), 'emoji stay whole')
    for (const mark of ['U+202E', 'U+202C', 'U+200B', 'BEL', 'ESC', 'NUL']) assert.ok(text.includes(mark), mark)
    assert.ok(!/[\u202e\u0007\u001b\u200b]/.test(await page.locator('.rs-sheet').textContent()), 'no such character is left')
    // The picture of the message is shown; those of other addresses and formats are not.
    assert.equal(await page.locator('.rs-picture').count(), 1)
    assert.ok(await page.locator('.rs-picture').evaluate((i) => i.complete && i.naturalWidth === 1))
    await notHacked(page)
    await assertAccessible(page, `hostile ${view}`)
    await shot(page, `runsheet-hostile-${view}`)
    await closePage(page)
  }
})

test('hostile texts of errors, names, tags and configuration', async () => {
  const page = await openPage(browser, server, link('hostile', { run: 'hostile-fail' }, 'x'))
  await page.getByText('This run failed').waitFor()
  assert.ok((await page.locator('.rs-error p').textContent()).includes(HOSTILE.html))
  await page.getByRole('button', { name: 'Back to the whole trace' }).click()
  await page.locator('.rs-json').first().waitFor()
  await notHacked(page)
  await page.goto(server.base + link('hostile', { run: 'hostile-llm' }, 'x'))
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.locator('.rs-config').waitFor()
  await page.getByRole('tab', { name: 'JSON' }).click()
  await page.locator('.rs-json').first().waitFor()
  await notHacked(page)
  await closePage(page)
})

test('every digit of a number is on screen', async () => {
  const page = await openPage(browser, server, link('heavy', {}, 'x'))
  await page.getByText(DIGITS).first().waitFor()
  await closePage(page)
})

test('a line of 5 MB is shown in part, and more of it on demand', async () => {
  const page = await openPage(browser, server, link('heavy', {}, 'x'))
  const input = page.locator('.rs-section', { has: page.getByRole('heading', { name: 'Input' }) })
  await input.getByText('Shown in part: the first 64 KB').waitFor()
  const length = async () => (await input.locator('.rs-text').first().textContent()).length
  assert.equal(await length(), 1500)
  await input.getByRole('button', { name: 'Show more' }).click()
  assert.equal(await length(), 20_000)
  await input.getByRole('button', { name: 'Load more' }).click()
  await input.getByText('Shown in part: the first 1 MB').waitFor()
  await closePage(page)
})

test('a value of 20 MB does not hold up the tab, and is downloaded whole', async () => {
  const page = await openPage(browser, server, link('heavy', { run: 'heavy-20mb' }, 'x'))
  await page.evaluate(() => {
    globalThis.longest = 0
    let at = performance.now()
    const tick = () => {
      globalThis.longest = Math.max(globalThis.longest, performance.now() - at)
      at = performance.now()
      setTimeout(tick, 10)
    }
    tick()
  })
  const input = page.locator('.rs-section', { has: page.getByRole('heading', { name: 'Input' }) })
  await input.getByText('Shown in part: the first 64 KB').waitFor()
  await input.getByRole('button', { name: 'Load more' }).click()
  await input.getByText('Shown in part: the first 1 MB').waitFor()
  await input.getByRole('button', { name: 'Load more' }).click()
  await input.getByText('Shown in part: the first 8 MB').waitFor()
  assert.equal(await input.getByRole('button', { name: 'Load more' }).count(), 0)
  // The list, its first hundred, and the first of them.
  for (const n of [1, 2, 3]) await input.locator('.rs-json-toggle').nth(n).click()
  await input.getByText('"row 0 row 0').waitFor()
  const longest = await page.evaluate(() => globalThis.longest)
  console.log(`# longest pause with 8 MB of 32 MB on screen: ${Math.round(longest)} ms`)
  assert.ok(longest < 5000, `the tab stood still for ${longest} ms`)
  const [file] = await Promise.all([page.waitForEvent('download'), input.getByRole('button', { name: 'Download input' }).click()])
  assert.equal(file.suggestedFilename(), 'heavy-20mb-input.json')
  const saved = readFileSync(await file.path(), 'utf8')
  assert.ok(saved.length > 20 << 20)
  assert.ok(saved.includes(`"n":${DIGITS}`), 'every digit is in the file')
  await closePage(page)
})
