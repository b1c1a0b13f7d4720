import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { Hono } from 'hono'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { silentLogger } from '../../src/database/index.ts'
import { serveNode, type RunningServer, type SuretyEnv } from '../../src/http/index.ts'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../src/identity/testing.ts'
import { createPseudonym } from '../../src/kernel/index.ts'
import {
  accountResources,
  defineSurety,
  openSurety,
  tenantResources,
  type AnySurety,
  type MailMessage,
} from '../../src/surety.ts'

const SHOTS = process.env['SURETY_SCREENSHOTS']
const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

let dataDir: string
let surety: AnySurety
let server: RunningServer
const letters: MailMessage[] = []

async function open(): Promise<void> {
  const config = defineSurety({
    name: 'Letters',
    origin: 'letters.example',
    page: join(dataDir, 'security.md'),
    resources: { ...accountResources, ...tenantResources },
    roles: { administrator: ['tenant_members:read:tenant'], member: [] },
    signIn: {},
    mail: { send: async (letter) => void letters.push(letter) },
  })
  surety = (await openSurety(config, {
    dataDir,
    logger: silentLogger,
    endsEpochs: false,
    url: () => server.url,
  })) as unknown as AnySurety
  const app = new Hono<SuretyEnv>()
  app.use('*', surety.protect())
  app.route('/', surety.routes())
  server = await serveNode({ fetch: app.fetch, port: 0, hostname: 'localhost' })
}

async function close(): Promise<void> {
  await server?.close()
  await surety?.close()
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'surety-mail-'))
  await chmod(dataDir, 0o755)
  await writeFile(join(dataDir, 'security.md'), '[Personal data is encrypted](promise:encryption.rest).\n')
  await open()
}, 120_000)
afterAll(async () => {
  await close()
  await rm(dataDir, { recursive: true, force: true })
  if (surety?.databaseDir) await rm(surety.databaseDir, { recursive: true, force: true })
})

/** The link of the newest letter to an address whose subject holds the words. */
async function linkTo(address: string, words: string): Promise<string> {
  const find = () => letters.findLast(({ to, subject }) => to === address && subject.includes(words))
  await expect.poll(find, { timeout: 60_000 }).toBeDefined()
  const url = new URL(/^https?:\S+$/m.exec(find()!.text)![0])
  return `${url.pathname}${url.search}`
}

describe.skipIf(!launch)('letters, in a real browser without script', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
  }, 300_000)
  afterAll(() => browser?.close())

  const goTo = (page: Page, path: string) => page.goto(`${server.url}${path}`)
  const fill = async (page: Page, fields: Record<string, string>, go: string): Promise<void> => {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value)
    await page.getByRole('button', { name: go, exact: true }).click()
  }
  const newPage = async (): Promise<Page> =>
    (await browser.newContext({ javaScriptEnabled: false })).newPage()

  test('a founder confirms their address, invites somebody, who makes an account and joins', async () => {
    const founder = await newPage()
    await goTo(founder, '/account/sign-up')
    await fill(
      founder,
      { Name: 'Ada', 'E-mail address': 'ada@example.com', Password: GOOD_PASSWORD },
      'Create the account',
    )
    await fill(founder, { 'E-mail address': 'ada@example.com', Password: GOOD_PASSWORD }, 'Sign in')
    expect(await founder.locator('main').innerText()).toContain('not confirmed yet')
    await goTo(founder, await linkTo('ada@example.com', 'Confirm'))
    await founder.getByRole('button', { name: 'This address is mine' }).click()
    expect(await founder.locator('main').innerText()).toContain('Your address is confirmed.')

    const account = await surety.accounts!.find({ email: 'ada@example.com' })
    await surety.tenants!.members.found(createPseudonym(), account!.personId)
    await goTo(founder, '/account/members')
    await fill(founder, { 'E-mail address': 'ben@example.com' }, 'Send the invitation')
    expect(await founder.locator('main').innerText()).toContain('ben@example.com')

    const guest = await newPage()
    await goTo(guest, await linkTo('ben@example.com', 'invited'))
    await guest.getByRole('link', { name: 'Create one' }).click()
    await fill(
      guest,
      { Name: 'Ben', 'E-mail address': 'ben@example.com', Password: OTHER_PASSWORD },
      'Create the account',
    )
    await fill(guest, { 'E-mail address': 'ben@example.com', Password: OTHER_PASSWORD }, 'Sign in')
    await guest.getByRole('button', { name: 'Join' }).click()
    expect(await guest.locator('h1').innerText()).toBe('You belong to it now')
    const ben = await surety.accounts!.find({ email: 'ben@example.com' })
    expect(await surety.tenants!.principalOf(ben!.personId)).toMatchObject({ roles: ['member'] })
    // The link had reached the address, which is confirmed by that.
    await goTo(guest, '/account/security')
    expect(await guest.locator('main').innerText()).toContain('ben@example.com: confirmed.')
    await goTo(founder, '/account/members')
    await founder.getByText('Members: 2').waitFor()
    expect(await founder.locator('main').innerText()).not.toContain('Take back')
  }, 300_000)

  test('a link outlives a restart, and opens once', async () => {
    const page = await newPage()
    await goTo(page, '/account/sign-in')
    await page.getByRole('link', { name: 'Forgotten your password?' }).click()
    await fill(page, { 'E-mail address': 'ada@example.com' }, 'Send the letter')
    expect(await page.locator('main').innerText()).toContain('If the address has an account')
    const link = await linkTo('ada@example.com', 'new password')
    await close()
    await open()
    await goTo(page, link)
    await fill(page, { 'New password': OTHER_PASSWORD }, 'Set the password')
    expect(await page.locator('main').innerText()).toContain('The new password is set')
    await fill(page, { 'E-mail address': 'ada@example.com', Password: OTHER_PASSWORD }, 'Sign in')
    expect(new URL(page.url()).pathname).toBe('/account/security')
    await goTo(page, link)
    expect(await page.locator('h1').innerText()).toBe('This link has ended')
  }, 300_000)

  test('what is stored for letters stands in the public data map', async () => {
    const page = await (await fetch(`${server.url}/security/data`)).text()
    for (const words of ['mail_links', 'tenant_invitations', 'SHA-256 of the random part'])
      expect(page).toContain(words)
  })

  test.each([390, 1440])(
    'every page fits at %i px, and axe-core has no objection',
    async (width) => {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: width < 500 ? 'dark' : 'light',
        bypassCSP: true,
      })
      const page = await context.newPage()
      const email = `reader-${width}@example.com`
      await goTo(page, '/account/sign-up')
      await fill(
        page,
        { Name: 'Eve', 'E-mail address': email, Password: GOOD_PASSWORD },
        'Create the account',
      )
      await inspect(page, `signed-up-${width}`)
      await goTo(page, '/account/reset')
      await inspect(page, `reset-${width}`)
      await goTo(page, '/account/reset')
      await fill(page, { 'E-mail address': email }, 'Send the letter')
      await inspect(page, `reset-asked-${width}`)
      await goTo(page, await linkTo(email, 'new password'))
      await fill(page, { 'New password': 'password' }, 'Set the password')
      await inspect(page, `reset-password-${width}`)
      await goTo(page, '/account/reset/password?token=none')
      await inspect(page, `link-ended-${width}`)
      await goTo(page, '/account/sign-in')
      await fill(page, { 'E-mail address': email, Password: GOOD_PASSWORD }, 'Sign in')
      await inspect(page, `security-${width}`)
      await goTo(page, await linkTo(email, 'Confirm'))
      await inspect(page, `confirm-address-${width}`)
      const account = await surety.accounts!.find({ email })
      await surety.tenants!.members.found(createPseudonym(), account!.personId)
      await goTo(page, '/account/members')
      await inspect(page, `invite-${width}`)
      await fill(page, { 'E-mail address': `guest-${width}@example.com` }, 'Send the invitation')
      await inspect(page, `invitations-${width}`)
      const invitation = await linkTo(`guest-${width}@example.com`, 'invited')
      await goTo(page, invitation)
      await inspect(page, `invitation-${width}`)
      await page.getByRole('button', { name: 'Join' }).click()
      expect(await page.locator('main').innerText()).toContain('another address')
      await inspect(page, `invitation-refused-${width}`)
      await context.close()
    },
    120_000,
  )

  async function inspect(page: Page, name: string): Promise<void> {
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/mail-${name}.png`, fullPage: true })
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(sideways, `${name} scrolls sideways`).toBe(0)
    await page.addScriptTag({ content: axe.source })
    const objections = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      const { violations } = await axe.run()
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
    })
    expect(objections, name).toEqual([])
  }
})
