// The shared fixtures: what real SDKs sent, and what the page makes of it.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { assertAccessible, closePage, openPage, repo, shot, startBrowser, startServer } from './harness.mjs'

const load = (dir, file) => JSON.parse(readFileSync(join(repo, dir, file), 'utf8'))
const { fixtures } = load('e2e/testdata', 'expected.json')
const files = ['e2e/testdata', 'engine/otlp/testdata'].flatMap((dir) =>
  readdirSync(join(repo, dir)).filter((f) => f.replace('.json', '') in fixtures).map((f) => [dir, f]))

let server, browser
before(async () => {
  server = await startServer()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

test('both formats are there', () => assert.deepEqual(files.map(([, f]) => f.replace('.json', '')).sort(), Object.keys(fixtures).sort()))

for (const [dir, file] of files) {
  const name = file.replace('.json', '')
  for (const dark of [false, true]) {
    test(`${name}, ${dark ? 'dark' : 'light'}`, async () => {
      for (const r of load(dir, file).requests) await server.api(`/v1/apps/${name}/traces`, { method: 'POST', body: r.body })
      const want = fixtures[name].after.at(-1).traces
      const page = await openPage(browser, server, `?app=${name}&tab=traces&cols=status,input,output,cost,tokens,duration,start,runs,models,tags`, { dark, zone: 'UTC' })
      await page.waitForSelector('.table-box[aria-busy=false]')
      for (const [id, t] of Object.entries(want)) {
        const row = page.locator(`tr[data-id="${id}"]`)
        assert.equal(await row.locator('.status').getAttribute('data-status'), t.status)
        assert.equal(await row.locator('.c-tokens').innerText(), t.usage.total_tokens.toLocaleString('en-US'))
        assert.equal(await row.locator('.c-runs').innerText(), String(t.runs))
        assert.equal(Number((await row.locator('.c-duration').getAttribute('title')).replace(/[, ms]/g, '')), t.duration_ms)
        const cost = t.cost_as_given_usd.total
        const title = await row.locator('.c-cost').getAttribute('title')
        if (cost !== null && t.cost_as_given_usd.unpriced_leaves === 0) {
          assert.ok(Math.abs(Number(/^\$([\d.,]+)/.exec(title)[1].replaceAll(',', '')) - cost) <= 1e-12, `${title} is ${cost}`)
        }
        if (fixtures[name].identity.error) assert.equal(await row.locator('.error-text').innerText(), fixtures[name].identity.error)
        const models = fixtures[name].identity.models
        if (models) assert.deepEqual((await row.locator('.c-models').innerText()).split(', ').sort(), models.toSorted())
        await row.locator('.c-status a').click()
        await page.waitForSelector('dialog.rs-sheet')
        await page.keyboard.press('Escape')
        await page.waitForSelector('dialog.rs-sheet', { state: 'detached' })
      }
      await assertAccessible(page, name)
      await shot(page, `fixture-${name}${dark ? '-dark' : ''}`)
      await closePage(page)
    })
  }
}
