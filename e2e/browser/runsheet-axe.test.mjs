// The run sheet in light and dark: axe, and pictures of it.
import { after, before, test } from 'node:test'
import { assertAccessible, closePage, openPage, shot, startBrowser, startServer } from './harness.mjs'
import { AGENT, link, sendFixtures } from './runsheet-data.mjs'

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

for (const dark of [false, true]) {
  for (const view of ['tree', 'timeline', 'graph']) {
    test(`${view} of an agent, ${dark ? 'dark' : 'light'}: no serious finding of axe`, async () => {
      const page = await openPage(browser, server, link(AGENT, { view }), { dark })
      await page.waitForSelector('.rs-details-body .rs-facts')
      if (view === 'graph') await page.waitForSelector('.rs-box')
      await assertAccessible(page, `${view} ${dark}`)
      await shot(page, `runsheet-${view}-${dark ? 'dark' : 'light'}`)
      await closePage(page)
    })
  }
}
