import { chromium, type Browser } from 'playwright-core'
import { browserLaunch } from '../../scripts/browser.ts'
import { loadBrowserModules, type BrowserModules } from '../../src/http/browser-modules.ts'
import { serveNode } from '../../src/http/index.ts'
import type { verifySite as VerifySite } from '../../src/verify/index.ts'
import type { MemorySite } from '../../src/verify/testing/memory-site.ts'
import { median } from '../measure.ts'

/** How much slower than this machine the browser's processor is made: a phone of the middle class. */
export const THROTTLE = 4

const VERIFY = '/.surety/modules/verify/index.ts'

/**
 * Median milliseconds that a real browser, slowed down {@link THROTTLE} times, needs to verify the site
 * over loopback with the modules that a page serves. Null where there is no browser.
 */
export async function verifyInBrowser(site: MemorySite, now: number, rounds: number): Promise<number | null> {
  const launch = await browserLaunch()
  if (!launch) return null
  const modules = loadBrowserModules('page/island/verify-button')
  const server = await serveNode({
    fetch: (request) => respond(modules, site, new URL(request.url).pathname),
    port: 0,
  })
  const browser = await chromium.launch({ ...launch, args: [...launch.args, '--disable-gpu'] })
  try {
    const times: number[] = []
    for (let round = 0; round < rounds; round++) times.push(await verifyOnce(browser, server.url, now))
    return median(times)
  } finally {
    await browser.close()
    await server.close(0)
  }
}

async function verifyOnce(browser: Browser, url: string, now: number): Promise<number> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(url)
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE })
  const { took, problems, passed } = await page.evaluate(
    async ([path, at]) => {
      const { verifySite } = (await import(path)) as { verifySite: typeof VerifySite }
      const began = performance.now()
      const report = await verifySite({
        fetch: (address, init) => fetch(address, init),
        ...{ url: location.origin, state: null, now: at },
      })
      const meaning = report.steps.find(({ id }) => id === 'meaning')
      return {
        took: performance.now() - began,
        problems: report.problems.map(({ code }) => code),
        passed: meaning?.outcome === 'passed',
      }
    },
    [VERIFY, now] as const,
  )
  await context.close()
  if (problems.length > 0 || !passed)
    throw new TypeError(`the browser does not verify: ${problems.join(', ')}`)
  return took
}

function respond(modules: BrowserModules, site: MemorySite, path: string): Response {
  if (path === '/') {
    return new Response('<!doctype html><title>bench</title>', { headers: { 'content-type': 'text/html' } })
  }
  const module = modules.files.get(path)
  if (module) return new Response(module.code, { headers: { 'content-type': 'text/javascript' } })
  const bytes = site.files.get(path)
  return bytes ? new Response(bytes.slice()) : new Response('nothing', { status: 404 })
}
