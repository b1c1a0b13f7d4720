import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { startDemo, type Demo } from './demo.ts'

const WIDTHS = [390, 1440]
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

describe.skipIf(!launch)('the pages, in a real browser', () => {
  let demo: Demo
  let browser: Browser
  beforeAll(async () => {
    demo = await startDemo()
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, ...QUIET],
    })
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.close()
  })

  interface Visit {
    readonly page: Page
    /** Errors and policy violations that the page caused. */
    readonly complaints: string[]
  }

  async function visit(path: string, width: number, cookie?: string): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width, height: 900 } })
    if (cookie) {
      const [name, value] = cookie.split('=') as [string, string]
      await context.addCookies([{ name, value, url: demo.system.url }])
    }
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    const response = await page.goto(`${demo.system.url}${path}`)
    expect(response?.status()).toBe(200)
    return { page, complaints }
  }

  async function overflow(page: Page): Promise<number> {
    return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  }

  const PUBLIC = ['/security', '/security/data', '/security/history', '/security/subprocessors']
  for (const width of WIDTHS) {
    test.each(PUBLIC)(`%s fits ${width} px and breaks no policy`, async (path) => {
      const { page, complaints } = await visit(path, width)
      expect(await overflow(page)).toBe(0)
      expect(await page.locator('h1').count()).toBe(1)
      expect(complaints).toEqual([])
      await page.context().close()
    })

    test(`the dashboard fits ${width} px and draws time per project, language and day`, async () => {
      const { page, complaints } = await visit('/', width, demo.system.people[0]!.cookie)
      expect(await overflow(page)).toBe(0)
      expect(await page.locator('svg').count()).toBeGreaterThanOrEqual(3)
      expect(await page.locator('main').innerText()).toMatch(/wakapi/)
      expect(complaints).toEqual([])
      await page.context().close()
    })
  }

  test('the security page shows each sentence with its status, and what it cannot prove', async () => {
    const { page } = await visit('/security', 1440)
    const text = await page.locator('main').innerText()
    expect(text).toMatch(/kept/i)
    expect(text).toMatch(/unproven/i)
    expect(await page.locator('details').count()).toBeGreaterThan(9)
    await page.context().close()
  })

  test('the page verifies itself in the browser, and says who served the code', async () => {
    const { page, complaints } = await visit('/security', 390)
    await page.getByRole('button', { name: /verify/i }).click()
    await page.getByText(/evidence is valid/i).waitFor({ timeout: 60_000 })
    expect(await page.locator('main').innerText()).toMatch(/served by the site/i)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('everything can be read without JavaScript', async () => {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 390, height: 900 },
    })
    const page = await context.newPage()
    await page.goto(`${demo.system.url}/security`)
    await page.locator('details summary').first().click()
    expect(await page.locator('details[open]').count()).toBeGreaterThan(0)
    await context.close()
  })

  test('a newcomer signs in through the demo’s provider, and gets to a dashboard of their own', async () => {
    for (const width of WIDTHS) {
      const { page, complaints } = await visit('/', width)
      expect(await page.locator('main').innerText()).not.toMatch(/wakapi/)
      await page.getByRole('link', { name: /^Sign in/ }).click()
      await page.waitForURL(/\/interaction\//)
      expect(new URL(page.url()).origin).not.toBe(new URL(demo.system.url).origin)
      expect(await overflow(page)).toBeLessThanOrEqual(0)
      await page.getByRole('button', { name: 'Continue as Noor' }).click()
      await page.waitForURL(`${demo.system.url}/`)
      expect(await page.getByRole('banner').innerText()).toContain('Noor')
      expect(complaints).toEqual([])
      await page.context().close()
    }
  })

  test('nobody is signed in who goes back', async () => {
    const { page } = await visit('/', 390)
    await page.getByRole('link', { name: /^Sign in/ }).click()
    await page.getByRole('button', { name: 'Go back without signing in' }).click()
    await page.waitForURL(/\/callback/)
    expect(await page.getByRole('alert').innerText()).toContain('signed nobody in')
    await page.goto(`${demo.system.url}/`)
    expect(await page.getByRole('link', { name: /^Sign in/ }).count()).toBe(1)
    await page.context().close()
  })
})
