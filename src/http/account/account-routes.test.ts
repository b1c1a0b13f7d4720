import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { openAccountSite, type AccountSite } from '../testing/account-site.ts'
import { accountVisitors, codeOf, locationOf, type AccountVisitors } from '../testing/account-visitors.ts'

let site: AccountSite
let visitors: AccountVisitors
beforeAll(async () => {
  site = await openAccountSite()
  visitors = accountVisitors(site)
}, 120_000)
afterAll(() => site.close())

describe('signing up and in', () => {
  test('leads to the account, and back to where the person was going', { timeout: 120_000 }, async () => {
    const browser = site.browser()
    const sought = await browser.get('/account/sessions')
    expect(locationOf(sought)).toBe('/account/sign-in?next=%2Faccount%2Fsessions')
    const email = await visitors.signUp(browser)
    const answer = await visitors.signIn(browser, email, { next: '/account/sessions' })
    expect(locationOf(answer)).toBe('/account/sessions')
    const page = await (await browser.get('/account/sessions')).text()
    expect(page).toContain('(this one)')
    expect(site.events.at(-1)).toMatchObject({ kind: 'sign-in.succeeded', method: 'password', tenant: null })
  })

  test('names the cookie after the system, and keeps it from scripts', async () => {
    const browser = site.browser()
    const answer = await visitors.signIn(browser, await visitors.signUp(browser))
    expect(answer.headers.getSetCookie().toSorted()).toEqual([
      // That the device was here before signs nobody in: see brute-force.test.ts.
      expect.stringMatching(/^codetime-devices=/),
      expect.stringMatching(/^codetime-session=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
  })

  test.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'never leads to %s',
    async (next) => {
      const browser = site.browser()
      const page = await (await browser.get(`/account/sign-in?next=${encodeURIComponent(next)}`)).text()
      expect(page).not.toContain('evil')
      expect(locationOf(await visitors.signIn(browser, await visitors.signUp(browser), { next }))).toBe(
        '/account/security',
      )
    },
  )

  test('believes no Host header', async () => {
    const browser = site.browser()
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    const answer = await browser.get('/account/sessions', headers)
    expect(locationOf(answer)).toMatch(/^\/account\/sign-in/)
    expect(await (await browser.get('/account/sign-in', headers)).text()).not.toContain('evil')
  })

  test('gives a new token: one that was planted before sign-in is worthless', async () => {
    const attacker = await visitors.signedIn()
    const victim = site.browser()
    for (const [name, value] of attacker.browser.cookies) victim.cookies.set(name, value)
    const email = await visitors.signUp(site.browser())
    await visitors.signIn(victim, email)
    expect(victim.cookies.get('codetime-session')).not.toBe(attacker.browser.cookies.get('codetime-session'))
    expect(locationOf(await attacker.browser.get('/account/sessions'))).toContain('/account/sign-in')
  })

  test('says the same of a wrong password and of an unknown address', async () => {
    const browser = site.browser()
    const email = await visitors.signUp(browser)
    const wrong = await browser.post('/account/sign-in', { email, password: OTHER_PASSWORD })
    const unknown = await browser.post('/account/sign-in', {
      email: 'nobody@example.com',
      password: OTHER_PASSWORD,
    })
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    const plain = async (response: Response, address: string) =>
      (await response.text()).replaceAll(address, '').replaceAll(/nonce="[^"]+"/g, '')
    expect(await plain(wrong, email)).toBe(await plain(unknown, 'nobody@example.com'))
    expect(site.events.at(-1)).toMatchObject({ kind: 'sign-in.failed', subject: null })
  })

  test('says the same whether an address is free or taken', async () => {
    const email = await visitors.signUp(site.browser())
    const again = await site
      .browser()
      .post('/account/sign-up', { email, name: 'Eve', password: OTHER_PASSWORD })
    const fresh = await site
      .browser()
      .post('/account/sign-up', { email: 'free@example.com', name: 'Eve', password: OTHER_PASSWORD })
    expect(locationOf(again)).toBe(locationOf(fresh))
  })

  test.each([
    ['password', 'BREACHED'],
    ['aaaaaaaaaaaa', 'WEAK'],
    ['short', 'LENGTH'],
    ['x'.repeat(1_000_000), 'LENGTH'],
  ])('refuses the new password %.12s with a code', async (password, code) => {
    const fields = { email: 'weak@example.com', name: 'Ada', password }
    const answer = await site.browser().post('/account/sign-up', fields, { accept: 'application/json' })
    expect(answer.status).toBe(422)
    expect(await codeOf(answer)).toBe(`ERR_IDENTITY_PASSWORD_${code}`)
    const page = await site.browser().post('/account/sign-up', fields)
    expect(await page.text()).toContain('aria-invalid')
  })
})

describe('what is malformed', () => {
  test.each(['a!b@example.com', 'ada@example.xn--p1ai', 'ad\u212ba@example.com'])(
    'gets a coded answer: the address %s',
    async (email) => {
      const fields = { email, name: 'Ada', password: GOOD_PASSWORD }
      const accept = { accept: 'application/json' }
      const up = await site.browser().post('/account/sign-up', fields, accept)
      expect([up.status, await codeOf(up)]).toEqual([422, 'ERR_IDENTITY_EMAIL'])
      const into = await site.browser().post('/account/sign-in', fields, accept)
      expect([into.status, await codeOf(into)]).toEqual([401, 'ERR_IDENTITY_CREDENTIALS'])
    },
  )

  test('gets a coded answer: a body that is not what its type says', async () => {
    const sent = [
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
    ]
    const answers = sent.map((type) =>
      site.browser().send('/account/sign-in', {
        method: 'POST',
        body: '--y\r\n\u0000%%%',
        headers: { 'sec-fetch-site': 'same-origin', 'content-type': type, accept: 'application/json' },
      }),
    )
    const codes = await Promise.all(answers.map(async (answer) => codeOf(await answer)))
    expect(codes).toEqual(['ERR_HTTP_FORM', 'ERR_HTTP_FORM', 'ERR_IDENTITY_CREDENTIALS'])
    const json = await site.browser().send('/account/passkeys/sign-in', {
      method: 'POST',
      body: '{',
      headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', accept: '*/*' },
    })
    expect([json.status, await codeOf(json)]).toEqual([400, 'ERR_HTTP_FORM'])
  })
})

describe('a change', () => {
  const CHANGES = [
    '/account/sign-out',
    '/account/sessions/end',
    '/account/sessions/end-all',
    '/account/security/authenticator',
    '/account/security/authenticator-confirm',
    '/account/security/authenticator-remove',
    '/account/security/recovery-codes',
    '/account/security/passkey-remove',
    '/account/security/password',
    '/account/confirm',
  ]

  test.each(CHANGES)('at %s is refused when another site sends it', async (path) => {
    const { browser, form } = await visitors.signedIn()
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://localhost:4002' },
    ]) {
      const answer = await browser.post(path, { form }, { ...headers, accept: 'application/json' })
      expect(answer.status).toBe(403)
      expect(await codeOf(answer)).toBe('ERR_HTTP_FOREIGN_FORM')
    }
    expect((await browser.get('/account/sessions')).status).toBe(200)
  })

  test.each(CHANGES)('at %s is refused without the token of its session', async (path) => {
    const { browser } = await visitors.signedIn()
    const { form } = await visitors.signedIn()
    for (const fields of [{}, { form }, { form: '' }]) {
      const answer = await browser.post(path, fields as Record<string, string>, {
        accept: 'application/json',
      })
      expect(answer.status).toBe(403)
      expect(await codeOf(answer)).toBe('ERR_HTTP_FOREIGN_FORM')
    }
  })

  test.each([
    '/account/sign-in',
    '/account/sign-up',
    '/account/passkeys/sign-in',
    '/account/passkeys/sign-in/options',
  ])('at %s is refused when another site sends it, also without a session', async (path) => {
    const answer = await site
      .browser()
      .post(path, {}, { 'sec-fetch-site': 'cross-site', accept: 'application/json' })
    expect([answer.status, await codeOf(answer)]).toEqual([403, 'ERR_HTTP_FOREIGN_FORM'])
  })

  test.each(CHANGES)('at %s is never made by GET', async (path) => {
    const { browser } = await visitors.signedIn()
    const answer = await browser.get(path)
    expect([200, 404]).toContain(answer.status)
    expect((await browser.get('/account/sessions')).status).toBe(200)
  })
})

describe('sessions', () => {
  test('end by themselves, one by one, and everywhere', async () => {
    const { browser, email, form } = await visitors.signedIn()
    const other = site.browser()
    await visitors.signIn(other, email)
    const page = await (await browser.get('/account/sessions')).text()
    const id = /name="id" value="([^"]+)"/.exec(page)![1]!
    await browser.post('/account/sessions/end', { form, id })
    expect(locationOf(await other.get('/account/sessions'))).toContain('sign-in')
    await visitors.signIn(other, email)
    const everywhere = await browser.post('/account/sessions/end-all', { form })
    expect(locationOf(everywhere)).toBe('/account/sign-in')
    for (const one of [browser, other])
      expect(locationOf(await one.get('/account/sessions'))).toContain('sign-in')
  })

  test('of somebody else cannot be ended', async () => {
    const [ada, eve] = [await visitors.signedIn(), await visitors.signedIn()]
    const [own] = await site.identity.sessions.list(await visitors.personOf(ada.browser))
    await eve.browser.post('/account/sessions/end', { form: eve.form, id: own!.id })
    expect((await ada.browser.get('/account/sessions')).status).toBe(200)
  })

  test('end all but the own when the password changes, whose token is new', async () => {
    const { browser, email, form } = await visitors.signedIn()
    const other = site.browser()
    await visitors.signIn(other, email)
    const before = browser.cookies.get('codetime-session')
    const answer = await browser.post('/account/security/password', { form, password: OTHER_PASSWORD })
    expect(locationOf(answer)).toBe('/account/security?done=password')
    expect(browser.cookies.get('codetime-session')).not.toBe(before)
    expect((await browser.get('/account/security')).status).toBe(200)
    expect(locationOf(await other.get('/account/sessions'))).toContain('sign-in')
  })

  test('ask for a fresh proof before what is sensitive', async () => {
    const { browser } = await visitors.signedIn()
    site.world.clock.advance(11 * 60_000)
    const form = await browser.formToken('/account/security')
    const answer = await browser.post('/account/security/password', { form, password: OTHER_PASSWORD })
    expect(locationOf(answer)).toBe('/account/confirm?next=%2Faccount%2Fsecurity')
    const wrong = await browser.post('/account/confirm', { form, password: OTHER_PASSWORD })
    expect(wrong.status).toBe(401)
    const right = await browser.post('/account/confirm', {
      form,
      password: GOOD_PASSWORD,
      next: '/account/security',
    })
    expect(locationOf(right)).toBe('/account/security')
    const fresh = await browser.formToken('/account/security')
    const changed = await browser.post('/account/security/password', {
      form: fresh,
      password: OTHER_PASSWORD,
    })
    expect(locationOf(changed)).toBe('/account/security?done=password')
  })
})

describe('the script for passkeys', () => {
  test('is served as a browser takes it, and nothing beside it', async () => {
    const page = await (await site.browser().get('/account/sign-in')).text()
    const path = /src="([^"]+passkey[^"]+)"/.exec(page)![1]!
    const script = await site.browser().get(path)
    expect(script.headers.get('content-type')).toContain('text/javascript')
    expect(await script.text()).not.toContain(': Promise<')
    expect((await site.browser().get(path.replace('passkey', 'other'))).status).toBe(404)
  })
})
