import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { totpCode, totpStep } from '../../src/identity/second-factors/totp.ts'
import { GOOD_PASSWORD } from '../../src/identity/testing.ts'
import { startAccountSite, type RunningAccountSite } from './account-site.ts'

const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
]
const SHOTS = process.env['SURETY_SCREENSHOTS']

const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

describe.skipIf(!launch)('the account pages, in a real browser', () => {
  let site: RunningAccountSite
  let browser: Browser
  beforeAll(async () => {
    site = await startAccountSite()
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    // Axe is put into the page past its policy; what the page itself may do is observed in complaints.
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      // A refused form is answered with its status, which the console repeats.
      if (message.type() === 'error' && !message.text().includes('status of 4'))
        complaints.push(message.text())
    })
    return { context, page, complaints }
  }

  let shots = 0
  async function inspect(page: Page, name: string): Promise<void> {
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(sideways, `${name} scrolls sideways`).toBe(0)
    const client = await page.context().newCDPSession(page)
    const { executionContextId } = await isolatedWorld(page, client)
    const run = async (expression: string): Promise<unknown> => {
      const answer = await client.send('Runtime.evaluate', {
        expression,
        contextId: executionContextId,
        awaitPromise: true,
        returnByValue: true,
      })
      expect(answer.exceptionDetails).toBeUndefined()
      return answer.result.value
    }
    await run(axe.source)
    const violations = await run(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
    )
    expect(violations, name).toEqual([])
    if (SHOTS)
      await page.screenshot({
        path: `${SHOTS}/${String(++shots).padStart(2, '0')}-${name}.png`,
        fullPage: true,
      })
    await client.detach()
  }

  async function isolatedWorld(page: Page, client: Awaited<ReturnType<BrowserContext['newCDPSession']>>) {
    const { frameTree } = await client.send('Page.getFrameTree')
    expect(page.url()).toContain(site.url)
    return client.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' })
  }

  let count = 0
  async function signUp(page: Page): Promise<string> {
    const email = `browser-${++count}@example.com`
    await page.goto(`${site.url}/account/sign-up`)
    await page.getByLabel('Name').fill('Ada Lovelace')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(GOOD_PASSWORD)
    await page.getByRole('button', { name: 'Create the account' }).click()
    return email
  }
  async function signIn(page: Page, email: string): Promise<void> {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(GOOD_PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  for (const size of SIZES) {
    test(`work without script at ${size.width} px, and are accessible`, async () => {
      const { context, page } = await open({
        viewport: size,
        colorScheme: size.width < 500 ? 'dark' : 'light',
      })
      const plain = await open({ viewport: size, javaScriptEnabled: false })
      // The whole way is gone without script; axe, which is script, looks at the same pages in the other browser.
      const email = await signUp(plain.page)
      await signIn(plain.page, email)
      expect(new URL(plain.page.url()).pathname).toBe('/account/security')
      await plain.page.getByRole('link', { name: 'Where you are signed in' }).click()
      expect(await plain.page.locator('main').innerText()).toContain('this one')
      await plain.page.getByRole('button', { name: 'Sign out', exact: true }).click()
      expect(new URL(plain.page.url()).pathname).toBe('/account/sign-in')

      await page.goto(`${site.url}/account/sign-in`)
      await inspect(page, 'sign-in')
      await page.goto(`${site.url}/account/sign-up`)
      await inspect(page, 'sign-up')
      await page.getByLabel('Name').fill('Ada')
      await page.getByLabel('E-mail address').fill('ada@example.com')
      await page.getByLabel('Password').fill('password')
      await page.getByRole('button', { name: 'Create the account' }).click()
      expect(await page.locator('.problem').innerText()).toContain('stolen')
      await inspect(page, 'sign-up-refused')
      await page.goto(`${site.url}/account/sign-in`)
      await page.getByLabel('E-mail address').fill(email)
      await page.getByLabel('Password').fill('not the password')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      expect(await page.getByRole('alert').innerText()).toContain('not right')
      await inspect(page, 'sign-in-refused')
      await signIn(page, email)
      await inspect(page, 'security')
      await page.goto(`${site.url}/account/sessions`)
      await inspect(page, 'sessions')
      await context.close()
      await plain.context.close()
    })

    test(`set a second factor up at ${size.width} px, and ask for it`, async () => {
      const { context, page, complaints } = await open({ viewport: size })
      const email = await signUp(page)
      await signIn(page, email)
      await page.getByRole('button', { name: 'Set up an app' }).click()
      await inspect(page, 'authenticator')
      const secret = (await page.locator('.key').innerText()).replaceAll(' ', '')
      const code = () => totpCode(secret, totpStep(site.clock.now()))
      await page.getByLabel('Code that the app shows').fill(code())
      await page.getByRole('button', { name: 'Confirm' }).click()
      expect(await page.locator('.code-list li').count()).toBe(10)
      await inspect(page, 'recovery-codes')
      site.clock.advance(60_000)
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await signIn(page, email)
      expect(new URL(page.url()).pathname).toBe('/account/second-factor')
      await inspect(page, 'second-factor')
      await page.getByLabel('Code').fill(code())
      await page.getByRole('button', { name: 'Continue' }).click()
      expect(new URL(page.url()).pathname).toBe('/account/security')
      await inspect(page, 'security-with-factor')
      expect(complaints).toEqual([])
      await context.close()
    })
  }

  test('sign in with a passkey, once it was added; a foreign or replayed answer opens nothing', async () => {
    const { context, page, complaints } = await open()
    const client = await context.newCDPSession(page)
    await client.send('WebAuthn.enable')
    await client.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    const email = await signUp(page)
    await signIn(page, email)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('The passkey is set up.').waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()

    // The answer of the device is kept, to be sent again.
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/account/passkeys/sign-in')) sent.push(request.postData() ?? '')
    })
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.waitForURL('**/account/security')
    expect(sent).toHaveLength(1)
    expect(complaints).toEqual([])

    const replay = (body: string) =>
      fetch(`${site.url}/account/passkeys/sign-in`, {
        method: 'POST',
        body,
        headers: { origin: site.url, 'content-type': 'application/json', accept: 'application/json' },
      })
    const answered = await replay(sent[0]!)
    expect([answered.status, ((await answered.json()) as { code: string }).code]).toEqual([
      401,
      'ERR_IDENTITY_PASSKEY',
    ])
    expect(answered.headers.getSetCookie()).toEqual([])
    for (const body of ['{}', '{"response":{}}', '{"response":{"id":"x"}}'])
      expect((await replay(body)).status).toBe(401)

    // With the password, the passkey is the second factor.
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await signIn(page, email)
    expect(new URL(page.url()).pathname).toBe('/account/second-factor')
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL('**/account/security')
    // Last: the protocol session that inspects takes the virtual device away when it ends.
    await inspect(page, 'security-with-passkey')
    await context.close()
  })
})
