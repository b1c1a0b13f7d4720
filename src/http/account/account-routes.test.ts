import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { totpCode, totpStep } from '../../identity/second-factors/totp.ts'
import { openAccountSite, type AccountSite, type TestBrowser } from '../testing/account-site.ts'

let site: AccountSite
const demanding = new Set<string>()
beforeAll(async () => {
  site = await openAccountSite({ requiresSecondFactor: async (person) => demanding.has(person) })
}, 120_000)
afterAll(() => site.close())

let count = 0
async function signUp(browser: TestBrowser): Promise<string> {
  const email = `visitor-${++count}@example.com`
  const answer = await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
  expect(answer.status).toBe(303)
  return email
}
const signIn = (browser: TestBrowser, email: string, more: Record<string, string> = {}) =>
  browser.post('/account/sign-in', { email, password: GOOD_PASSWORD, ...more })
async function signedIn(): Promise<{ browser: TestBrowser; email: string; form: string }> {
  const browser = site.browser()
  const email = await signUp(browser)
  expect((await signIn(browser, email)).status).toBe(303)
  return { browser, email, form: await browser.formToken('/account/security') }
}
const locationOf = (response: Response) => response.headers.get('location')
const personOf = async (browser: TestBrowser): Promise<string> => {
  const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
  const session = await site.identity.session(new Request('http://localhost/', { headers: { cookie } }))
  return session!.personId
}
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code

describe('signing up and in', () => {
  test('leads to the account, and back to where the person was going', { timeout: 120_000 }, async () => {
    const browser = site.browser()
    const sought = await browser.get('/account/sessions')
    expect(locationOf(sought)).toBe('/account/sign-in?next=%2Faccount%2Fsessions')
    const email = await signUp(browser)
    const answer = await signIn(browser, email, { next: '/account/sessions' })
    expect(locationOf(answer)).toBe('/account/sessions')
    const page = await (await browser.get('/account/sessions')).text()
    expect(page).toContain('(this one)')
    expect(site.events.at(-1)).toMatchObject({ kind: 'sign-in.succeeded', method: 'password', tenant: null })
  })

  test('names the cookie after the system, and keeps it from scripts', async () => {
    const browser = site.browser()
    const answer = await signIn(browser, await signUp(browser))
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
      expect(locationOf(await signIn(browser, await signUp(browser), { next }))).toBe('/account/security')
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
    const attacker = await signedIn()
    const victim = site.browser()
    for (const [name, value] of attacker.browser.cookies) victim.cookies.set(name, value)
    const email = await signUp(site.browser())
    await signIn(victim, email)
    expect(victim.cookies.get('codetime-session')).not.toBe(attacker.browser.cookies.get('codetime-session'))
    expect(locationOf(await attacker.browser.get('/account/sessions'))).toContain('/account/sign-in')
  })

  test('says the same of a wrong password and of an unknown address', async () => {
    const browser = site.browser()
    const email = await signUp(browser)
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
    const email = await signUp(site.browser())
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
    const { browser, form } = await signedIn()
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
    const { browser } = await signedIn()
    const { form } = await signedIn()
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
    const { browser } = await signedIn()
    const answer = await browser.get(path)
    expect([200, 404]).toContain(answer.status)
    expect((await browser.get('/account/sessions')).status).toBe(200)
  })
})

describe('sessions', () => {
  test('end by themselves, one by one, and everywhere', async () => {
    const { browser, email, form } = await signedIn()
    const other = site.browser()
    await signIn(other, email)
    const page = await (await browser.get('/account/sessions')).text()
    const id = /name="id" value="([^"]+)"/.exec(page)![1]!
    await browser.post('/account/sessions/end', { form, id })
    expect(locationOf(await other.get('/account/sessions'))).toContain('sign-in')
    await signIn(other, email)
    const everywhere = await browser.post('/account/sessions/end-all', { form })
    expect(locationOf(everywhere)).toBe('/account/sign-in')
    for (const one of [browser, other])
      expect(locationOf(await one.get('/account/sessions'))).toContain('sign-in')
  })

  test('of somebody else cannot be ended', async () => {
    const [ada, eve] = [await signedIn(), await signedIn()]
    const [own] = await site.identity.sessions.list(await personOf(ada.browser))
    await eve.browser.post('/account/sessions/end', { form: eve.form, id: own!.id })
    expect((await ada.browser.get('/account/sessions')).status).toBe(200)
  })

  test('end all but the own when the password changes, whose token is new', async () => {
    const { browser, email, form } = await signedIn()
    const other = site.browser()
    await signIn(other, email)
    const before = browser.cookies.get('codetime-session')
    const answer = await browser.post('/account/security/password', { form, password: OTHER_PASSWORD })
    expect(locationOf(answer)).toBe('/account/security?done=password')
    expect(browser.cookies.get('codetime-session')).not.toBe(before)
    expect((await browser.get('/account/security')).status).toBe(200)
    expect(locationOf(await other.get('/account/sessions'))).toContain('sign-in')
  })

  test('ask for a fresh proof before what is sensitive', async () => {
    const { browser } = await signedIn()
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

async function withAuthenticator() {
  const { browser, email, form } = await signedIn()
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
    const answer = await signIn(browser, email, { next: '/account/sessions' })
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
    for (const browser of browsers) await signIn(browser, email)
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
    const { browser, email, form } = await signedIn()
    const other = site.browser()
    await signIn(other, email)
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
    const personId = await personOf(browser)
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
    const { browser, form } = await signedIn()
    const answer = await browser.post('/account/security/recovery-codes', { form })
    expect(locationOf(answer)).toBe('/account/security')
    expect(await site.identity.secondFactors.recoveryCodes.left(await personOf(browser))).toBe(0)
  })

  test('must be set up where a role demands it, before anything else opens, and cannot be removed then', async () => {
    const { browser, email, code } = await withAuthenticator()
    demanding.add(await personOf(browser))
    const form = await browser.formToken('/account/security')
    const refused = await browser.post(
      '/account/security/authenticator-remove',
      { form },
      { accept: 'application/json' },
    )
    expect([refused.status, await codeOf(refused)]).toEqual([409, 'ERR_IDENTITY_LAST_FACTOR'])
    const again = site.browser()
    await signIn(again, email)
    const half = await again.formToken('/account/second-factor')
    await again.post('/account/second-factor', { form: half, code: code() })
    expect((await again.get('/account/sessions')).status).toBe(200)

    const bare = await signedIn()
    demanding.add(await personOf(bare.browser))
    expect(locationOf(await signIn(bare.browser, bare.email, { next: '/account/sessions' }))).toBe(
      '/account/security',
    )
    expect(await (await bare.browser.get('/account/security')).text()).toContain(
      'Your role asks for a second factor',
    )
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
