import { defineConfig } from 'vitest/config'

// `npm run dev` passes calls of the API on to a server that runs here.
const server = process.env.TRACEBED_URL ?? 'http://127.0.0.1:8787'

export default defineConfig({
  base: './', // the page works below any path
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/v1': server, '/openapi.json': server } },
  build: {
    target: 'es2022',
    outDir: 'build', // pack.mjs makes ../dist of it
    assetsInlineLimit: 0, // the Content-Security-Policy takes no data: but images
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    cssCodeSplit: true,
  },
  worker: { format: 'es' },
  test: { testTimeout: 60_000 }, // against hanging; the default of 5 s fails on a busy machine
})
