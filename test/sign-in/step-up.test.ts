import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openProviders } from '../../src/compose/provider-sign-in.ts'
import { defineSurety } from '../../src/declare/index.ts'
import {
  openAccountSite,
  SITE_URL,
  type AccountSite,
  type TestBrowser,
} from '../../src/http/testing/account-site.ts'
import { accountResources, totpCode, totpStep } from '../../src/identity/index.ts'
import { startGithubDouble, type GithubDouble } from '../../src/identity/testing/github-double.ts'
import { startOidcDouble, type OidcDouble } from '../../src/identity/testing/oidc-double.ts'

// Somebody who signs in through a provider alone, before what is sensitive: whoever sits down at their browser has
// the provider's session, too, and must not have more by a click.
vi.setConfig({ testTimeout: 120_000 })

const MINUTE = 60_000
const SECURITY = '/account/security'
const CONFIRM = '/account/confirm?next=%2Faccount%2Fsecurity'
const REFUSED = { code: 'ERR_IDENTITY_PROVIDER_STEP_UP' }

let folder: string
let site: AccountSite
let double: OidcDouble
let hub: GithubDouble

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-step-up-'))
  await writeFile(join(folder, 'secret'), 'client secret')
  const clientSecret = { file: join(folder, 'secret') }
  const through = { now: () => site.world.clock.now(), monotonic: () => site.world.clock.monotonic() }
  double = await startOidcDouble({ clock: through })
  hub = await startGithubDouble(clientSecret)
  const oidc = {
    kind: 'oidc',
    name: 'Double',
    issuer: double.issuer,
    clientId: 'client',
    clientSecret,
  } as const
  const config = defineSurety({
    ...{ name: 'Codetime', origin: 'codetime.example', page: './security.md', roles: {} },
    resources: accountResources,
    signIn: { providers: [{ ...oidc, id: 'double' }, hub.provider] },
  })
  site = await openAccountSite({
    providers: ({ store, world: { clock } }) =>
      openProviders({ config, store, clock, secret: 's'.repeat(43), url: () => SITE_URL }),
  })
}, 120_000)
afterAll(async () => {
  await site.close()
  await Promise.all([double.close(), hub.close()])
  await rm(folder, { recursive: true })
})
let count = 0
beforeEach(() => {
  double.lies = {}
  be(++count)
})

/** Makes the provider vouch for the person of this number. */
function be(number: number, claims: (truth: Record<string, unknown>) => object = (truth) => truth): void {
  const who = { sub: `subject-${number}`, email: `person-${number}@example.com` }
  double.lies = { claims: (truth) => ({ ...claims({ ...truth, ...who }) }) }
}

const locationOf = (answer: Response): string | null => answer.headers.get('location')

/** To the provider and back, as the browser goes. */
async function go(browser: TestBrowser, query = '', accept = 'text/html'): Promise<Response> {
  const begun = await browser.get(`/account/sign-in/with/double${query}`)
  if (begun.status !== 303 || locationOf(begun)!.startsWith('/')) return begun
  const back = new URL(double.authorize(locationOf(begun)!))
  return browser.get(`${back.pathname}${back.search}`, { accept })
}
const confirm = (browser: TestBrowser, accept?: string) =>
  go(browser, `?purpose=confirm&next=${encodeURIComponent(SECURITY)}`, accept)

async function signedIn(): Promise<TestBrowser> {
  const browser = site.browser()
  expect(locationOf(await go(browser))).toBe(SECURITY)
  return browser
}
async function setUp(browser: TestBrowser): Promise<Response> {
  return browser.post(`${SECURITY}/authenticator`, { form: await browser.formToken(SECURITY) })
}

describe('a sign-in through a provider', () => {
  test('is no proof that it is still the person: what is sensitive sends them there to be asked anew', async () => {
    const browser = await signedIn()
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
    const page = await (await browser.get(CONFIRM)).text()
    expect(page).toContain(
      'href="/account/sign-in/with/double?purpose=confirm&amp;next=%2Faccount%2Fsecurity"',
    )
    const before = browser.cookies.get('codetime-session')
    expect(locationOf(await confirm(browser))).toBe(SECURITY)
    expect(browser.cookies.get('codetime-session')).not.toBe(before)
    expect((await setUp(browser)).status).toBe(200)
    site.world.clock.advance(11 * MINUTE)
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
  })

  test('counts from when the provider asked, where it says so by itself', async () => {
    const ago = (minutes: number) => (truth: Record<string, unknown>) => ({
      ...truth,
      auth_time: Math.floor(site.world.clock.now() / 1000) - minutes * 60,
    })
    be(count, ago(9))
    expect((await setUp(await signedIn())).status).toBe(200)
    be(count, ago(11))
    expect(locationOf(await setUp(await signedIn()))).toBe(CONFIRM)
  })
})

describe('confirming through a provider', () => {
  test.each([
    ['says no time', ({ auth_time: _, ...truth }: Record<string, unknown>) => truth],
    ['asked long ago', (truth: Record<string, unknown>) => ({ ...truth, auth_time: 1_700_000_000 })],
  ])('that %s is refused, and says what confirms instead', async (_, claims) => {
    const browser = await signedIn()
    be(count, claims)
    const answer = await confirm(browser, 'application/json')
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({
      ...REFUSED,
      detail: expect.stringContaining('second factor'),
    })
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
    const page = await confirm(browser)
    expect([page.status, await page.text()]).toEqual([
      403,
      expect.stringContaining('A second factor confirms instead'),
    ])
  })

  test('is not done by another account of the provider, and joins or makes none', async () => {
    const browser = await signedIn()
    be(++count)
    const answer = await confirm(browser, 'application/json')
    expect(await answer.json()).toMatchObject(REFUSED)
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
    const rows = site.store('tests', ['accounts']).selectFrom('accounts').select('id')
    expect(await rows.where('email', '=', `person-${count}@example.com`).execute()).toEqual([])
  })

  test('is nothing for whoever is not signed in, or signed in as somebody else meanwhile', async () => {
    expect(locationOf(await confirm(site.browser()))).toMatch(/^\/account\/sign-in\?/)
    const browser = await signedIn()
    const begun = await browser.get('/account/sign-in/with/double?purpose=confirm')
    const back = new URL(double.authorize(locationOf(begun)!))
    be(++count)
    const cookies = (await signedIn()).cookies
    browser.cookies.set('codetime-session', cookies.get('codetime-session')!)
    const answer = await browser.get(`${back.pathname}${back.search}`, { accept: 'application/json' })
    expect(await answer.json()).toMatchObject(REFUSED)
  })

  test('is not enough for whoever has a second factor', async () => {
    const browser = await signedIn()
    await confirm(browser)
    const secret = /class="key">([A-Z2-7 ]+)</
      .exec(await (await setUp(browser)).text())![1]!
      .replaceAll(' ', '')
    const code = totpCode(secret, totpStep(site.world.clock.now()))
    const form = await browser.formToken(SECURITY)
    expect((await browser.post(`${SECURITY}/authenticator-confirm`, { form, code })).status).toBe(200)
    site.world.clock.advance(11 * MINUTE)
    expect(locationOf(await confirm(browser))).toMatch(/^\/account\/confirm\?/)
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
  })
})

describe('a provider that asks nobody anew', () => {
  async function throughGithub(): Promise<TestBrowser> {
    hub.user = { id: 9_000 + count, login: 'ada', name: 'Ada' }
    hub.emails = [{ email: `hub-${count}@example.com`, primary: true, verified: true }]
    const browser = site.browser()
    const begun = await browser.get('/account/sign-in/with/github')
    const back = new URL(hub.authorize(locationOf(begun)!))
    expect(locationOf(await browser.get(`${back.pathname}${back.search}`))).toBe(SECURITY)
    return browser
  }

  test('confirms nobody, and is not offered for it', async () => {
    const browser = await throughGithub()
    const path = '/account/sign-in/with/github?purpose=confirm'
    expect(await (await browser.get(path, { accept: 'application/json' })).json()).toMatchObject(REFUSED)
    const page = await (await browser.get(CONFIRM)).text()
    expect(page).not.toContain('purpose=confirm')
    expect(page).toContain('Set up a second factor')
  })

  test('lets people set up a first second factor soon after their sign-in, and change nothing else', async () => {
    const browser = await throughGithub()
    const form = await browser.formToken(SECURITY)
    const changed = await browser.post(`${SECURITY}/password`, { form, password: 'violet-Harbour 41 kettle' })
    expect(locationOf(changed)).toBe(CONFIRM)
    expect((await setUp(browser)).status).toBe(200)
    site.world.clock.advance(11 * MINUTE)
    expect(locationOf(await setUp(browser))).toBe(CONFIRM)
  })
})
