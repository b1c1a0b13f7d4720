import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { totpCode, totpStep } from '../../identity/second-factors/totp.ts'
import { openAccountSite, type AccountSite } from '../testing/account-site.ts'
import { accountVisitors, codeOf, locationOf, type AccountVisitors } from '../testing/account-visitors.ts'

const demanding = new Set<string>()
let site: AccountSite
let visitors: AccountVisitors
beforeAll(async () => {
  site = await openAccountSite({ requiresSecondFactor: async (person) => demanding.has(person) })
  visitors = accountVisitors(site)
}, 120_000)
afterAll(() => site.close())

async function withAuthenticator() {
  const { browser, email, form } = await visitors.signedIn()
  const begun = await (await browser.post('/account/security/authenticator', { form })).text()
  const secret = /class="key">([A-Z2-7 ]+)</.exec(begun)![1]!.replaceAll(' ', '')
  const code = () => totpCode(secret, totpStep(site.world.clock.now()))
  const before = browser.cookies.get('codetime-session')
  const confirmed = await browser.post('/account/security/authenticator-confirm', { form, code: code() })
  expect(confirmed.status).toBe(200)
  expect(browser.cookies.get('codetime-session')).not.toBe(before)
  const page = await confirmed.text()
  // The page's own forms belong to the session that it was given.
  const shown = /name="form" value="([^"]+)"/.exec(page)![1]!
  expect(shown).toBe(await browser.formToken('/account/security'))
  const recovery = [...page.matchAll(/<li>([a-z2-7-]{19})<\/li>/g)].map((match) => match[1]!)
  site.world.clock.advance(60_000)
  return { browser, email, code, recovery }
}

describe('a second factor', () => {
  test('is asked for after the password, and until then nothing opens', async () => {
    const { email, code } = await withAuthenticator()
    const browser = site.browser()
    const answer = await visitors.signIn(browser, email, { next: '/account/sessions' })
    expect(locationOf(answer)).toBe('/account/second-factor?next=%2Faccount%2Fsessions')
    for (const path of ['/account/security', '/account/sessions', '/account/confirm'])
      expect(locationOf(await browser.get(path))).toContain('/account/second-factor')
    const half = browser.cookies.get('codetime-session')
    const form = await browser.formToken('/account/second-factor')
    const wrong = await browser.post('/account/second-factor', { form, code: '000000' })
    expect(wrong.status).toBe(401)
    const right = await browser.post('/account/second-factor', {
      form,
      code: code(),
      next: '/account/sessions',
    })
    expect(locationOf(right)).toBe('/account/sessions')
    expect(browser.cookies.get('codetime-session')).not.toBe(half)
    expect((await browser.get('/account/sessions')).status).toBe(200)
  })

  test('is a recovery code once, of those who race for it one', async () => {
    const { email, recovery } = await withAuthenticator()
    expect(recovery).toHaveLength(10)
    const browsers = [site.browser(), site.browser(), site.browser()]
    for (const browser of browsers) await visitors.signIn(browser, email)
    const answers = await Promise.all(
      browsers.map(async (browser) => {
        const form = await browser.formToken('/account/second-factor')
        return browser.post('/account/second-factor', { form, code: recovery[0]! })
      }),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 401, 401])
  })

  test('is asked for again before it is removed: a password is not enough', async () => {
    const { browser, code } = await withAuthenticator()
    site.world.clock.advance(11 * 60_000)
    const form = await browser.formToken('/account/security')
    const tried = await browser.post('/account/confirm', { form, password: GOOD_PASSWORD })
    expect(tried.status).toBe(401)
    await browser.post('/account/confirm', { form, code: code() })
    const fresh = await browser.formToken('/account/security')
    const removed = await browser.post('/account/security/authenticator-remove', { form: fresh })
    expect(locationOf(removed)).toBe('/account/security?done=authenticator-removed')
  })

  test('ends the sessions that never showed it when it is set up', async () => {
    const { browser, email, form } = await visitors.signedIn()
    const other = site.browser()
    await visitors.signIn(other, email)
    const begun = await (await browser.post('/account/security/authenticator', { form })).text()
    expect(begun).toContain('<svg class="qr"')
    const secret = /class="key">([A-Z2-7 ]+)</.exec(begun)![1]!.replaceAll(' ', '')
    const code = totpCode(secret, totpStep(site.world.clock.now()))
    await browser.post('/account/security/authenticator-confirm', { form, code })
    expect(locationOf(await other.get('/account/sessions'))).toContain('/account/sign-in')
    expect((await browser.get('/account/sessions')).status).toBe(200)
  })

  test('is shown before it is changed, also in a session from before it was there', async () => {
    const { browser, code } = await withAuthenticator()
    const personId = await visitors.personOf(browser)
    const client = { address: null, userAgent: null }
    const token = await site.identity.sessions.open({
      personId,
      methods: ['password'],
      pending: false,
      ...client,
    })
    const old = site.browser()
    const [, value] = /^codetime-session=([^;]+)/.exec(site.identity.cookie.set(token))!
    old.cookies.set('codetime-session', value!)
    const form = await old.formToken('/account/security')
    for (const change of ['authenticator-remove', 'recovery-codes', 'password']) {
      const answer = await old.post(`/account/security/${change}`, { form, password: OTHER_PASSWORD })
      expect(locationOf(answer)).toBe('/account/confirm?next=%2Faccount%2Fsecurity')
    }
    await old.post('/account/confirm', { form, code: code() })
    const fresh = await old.formToken('/account/security')
    const removed = await old.post('/account/security/authenticator-remove', { form: fresh })
    expect(locationOf(removed)).toBe('/account/security?done=authenticator-removed')
  })

  test('comes before its recovery codes: none are made for later', async () => {
    const { browser, form } = await visitors.signedIn()
    const answer = await browser.post('/account/security/recovery-codes', { form })
    expect(locationOf(answer)).toBe('/account/security')
    expect(await site.identity.secondFactors.recoveryCodes.left(await visitors.personOf(browser))).toBe(0)
  })

  test('must be set up where a role demands it, before anything else opens, and cannot be removed then', async () => {
    const { browser, email, code } = await withAuthenticator()
    demanding.add(await visitors.personOf(browser))
    const form = await browser.formToken('/account/security')
    const refused = await browser.post(
      '/account/security/authenticator-remove',
      { form },
      { accept: 'application/json' },
    )
    expect([refused.status, await codeOf(refused)]).toEqual([409, 'ERR_IDENTITY_LAST_FACTOR'])
    const again = site.browser()
    await visitors.signIn(again, email)
    const half = await again.formToken('/account/second-factor')
    await again.post('/account/second-factor', { form: half, code: code() })
    expect((await again.get('/account/sessions')).status).toBe(200)

    const bare = await visitors.signedIn()
    demanding.add(await visitors.personOf(bare.browser))
    expect(locationOf(await visitors.signIn(bare.browser, bare.email, { next: '/account/sessions' }))).toBe(
      '/account/security',
    )
    expect(await (await bare.browser.get('/account/security')).text()).toContain(
      'Your role asks for a second factor',
    )
  })
})
