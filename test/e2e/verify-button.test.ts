import { Hono } from 'hono'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { createRoutes, protection, serveNode } from '../../src/http/index.ts'
import type { RunningServer, SuretyEnv } from '../../src/http/index.ts'
import { createMemoryEvidence } from '../../src/http/testing/memory-evidence.ts'
import type { MemoryEvidence } from '../../src/http/testing/memory-evidence.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { parseSecurityPage } from '../../src/page/index.ts'
import type { PromiseClaim } from '../../src/verify/index.ts'

const ORIGIN = 'codetime.example'
const silent = { info() {}, warn() {}, error() {} }
const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

async function logOf(promises: number): Promise<MemoryEvidence> {
  const log = await createMemoryEvidence(ORIGIN, systemClock)
  await log.append({ kind: 'log.opened', origin: `${ORIGIN}/evidence`, software: 'surety' })
  for (let i = 0; i < promises; i++) {
    const key = `test.promise-${i}`
    const promise: PromiseClaim = {
      ...{ key, id: key, params: {}, sentence: `We do ${i}`, evidence: 'measured', checkedBy: 'self' },
      ...{ probe: `${key}@1`, cadenceSeconds: 3_600, cannotProve: [] },
    }
    await log.append({ kind: 'promise.declared', promise })
  }
  return log
}

/** Serves a log that a test can exchange for another one, as an operator might. */
async function serveLog(
  first: MemoryEvidence,
): Promise<{ server: RunningServer; show(log: MemoryEvidence): void }> {
  let shown = first
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock: systemClock, logger: silent }))
  app.all('*', (c) => {
    const site = { name: 'Codetime', origin: ORIGIN, url: 'http://127.0.0.1', vkey: shown.vkey }
    const routes = createRoutes({
      ...{ site, config: { resources: {}, roles: {} }, page: () => parseSecurityPage(''), evidence: shown },
      ...{ clock: systemClock, logger: silent, requestInputs: [], dropped: () => [], metrics: null },
      isHealthy: async () => true,
    })
    // Pages need the nonce of the outer policy.
    const inner = new Hono<SuretyEnv>()
    inner.use(async (inside, next) => {
      inside.set('nonce', c.get('nonce'))
      await next()
    })
    inner.route('/', routes)
    return inner.fetch(c.req.raw)
  })
  return { server: await serveNode({ fetch: app.fetch, port: 0 }), show: (log) => void (shown = log) }
}

describe.skipIf(!launch)('the verify button, in a real browser', () => {
  let browser: Browser
  beforeAll(async () => {
    const args = [...launch!.args, '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
    browser = await chromium.launch({ executablePath: launch!.executablePath, args })
  })
  afterAll(async () => browser?.close())

  async function press(context: BrowserContext, url: string): Promise<{ page: Page; verdict: string }> {
    const page = await context.newPage()
    await page.goto(`${url}/security`)
    await page.click('#verify-button')
    await page.waitForFunction(() => document.querySelector('#verify-button:not([disabled])') !== null)
    return { page, verdict: (await page.textContent('#verify-result')) ?? '' }
  }

  test('accepts a log, remembers it, and accepts its growth', async () => {
    const log = await logOf(2)
    const { server } = await serveLog(log)
    const context = await browser.newContext()
    expect((await press(context, server.url)).verdict).toContain('The evidence is valid')
    await log.append({ kind: 'promise.withdrawn', key: 'test.promise-0' })
    const { page, verdict } = await press(context, server.url)
    expect(verdict).toContain('0 kept, 0 broken, 1 unproven')
    expect(await page.textContent('#verify-steps')).toContain('grew from 3 to 4 entries')
    await context.close()
    await server.close(0)
  })

  test('notices a log that was exchanged between two visits, until told to forget', async () => {
    const { server, show } = await serveLog(await logOf(2))
    const context = await browser.newContext()
    await press(context, server.url)
    show(await logOf(1))
    const { page, verdict } = await press(context, server.url)
    expect(verdict).toBe('The evidence is invalid.')
    expect((await press(context, server.url)).verdict).toBe('The evidence is invalid.')
    await page.getByRole('button', { name: /forget/i }).click()
    expect((await press(context, server.url)).verdict).toContain('The evidence is valid')
    await context.close()
    await server.close(0)
  })

  test('finds an altered entry', async () => {
    const log = await logOf(3)
    const read = log.read
    const altered: MemoryEvidence = {
      ...log,
      async read(path) {
        const bytes = await read(path)
        if (!bytes || !path.startsWith('tile/entries/')) return bytes
        return new TextEncoder().encode(new TextDecoder().decode(bytes).replace('We do 1', 'We do 9'))
      },
    }
    const { server } = await serveLog(altered)
    const context = await browser.newContext()
    expect((await press(context, server.url)).verdict).toBe('The evidence is invalid.')
    await context.close()
    await server.close(0)
  })
})
