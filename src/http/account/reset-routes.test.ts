import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts, createProviderAccounts, openGuard } from '../../identity/index.ts'
import { CLIENT, GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { totpCode, totpStep } from '../../identity/second-factors/totp.ts'
import { openAccountSite, SITE_URL, type AccountSite, type TestBrowser } from '../testing/account-site.ts'

const HOUR = 3_600_000

let site: AccountSite
beforeAll(async () => {
  site = await openAccountSite({ sendsMail: true })
}, 120_000)
afterAll(() => site.close())

let count = 0
/** Somebody with a password; confirmed unless it says otherwise. */
async function person(
  isConfirmed = true,
): Promise<{ email: string; browser: TestBrowser; personId: string }> {
  const browser = site.browser()
  const email = `reader-${++count}@example.com`
  await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
  const link = await site.mail.linkTo(email)
  await browser.post('/account/sign-in', { email, password: GOOD_PASSWORD })
  const personId = await personOf(browser)
  if (isConfirmed) {
    const form = await browser.formToken('/account/security')
    await browser.post('/account/address', { form, token: tokenOf(link) })
  }
  return { email, browser, personId }
}

async function personOf(browser: TestBrowser): Promise<string> {
  const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
  return (await site.identity.session(new Request(SITE_URL, { headers: { cookie } })))!.personId
}

const tokenOf = (link: string): string => new URL(link, SITE_URL).searchParams.get('token')!
const ask = (email: string, headers = {}) => site.browser().post('/account/reset', { email }, headers)
const set = (token: string, password: string, browser = site.browser()) =>
  browser.post('/account/reset/password', { token, password })
const signIn = (email: string, password: string, browser = site.browser()) =>
  browser.post('/account/sign-in', { email, password })

async function resetLink(email: string): Promise<string> {
  await ask(email)
  return site.mail.linkTo(email)
}

describe('a forgotten password', { timeout: 120_000 }, () => {
  test('is replaced by a link that works once, which ends every session', async () => {
    const { email, browser, personId } = await person()
    const link = await resetLink(email)
    expect(link).toMatch(/^\/account\/reset\/password\?token=[\w-]{43}$/)
    // Mail is read by machines, too, which open links.
    for (let i = 0; i < 3; i++) expect((await site.browser().get(link)).status).toBe(200)
    const answer = await set(tokenOf(link), OTHER_PASSWORD)
    expect(answer.headers.get('location')).toBe('/account/sign-in?done=reset')
    expect(await site.identity.sessions.list(personId)).toEqual([])
    expect((await browser.get('/account/security')).headers.get('location')).toContain('/account/sign-in')
    expect((await signIn(email, GOOD_PASSWORD)).status).toBe(401)
    expect((await signIn(email, OTHER_PASSWORD)).status).toBe(303)
    const again = await set(tokenOf(link), GOOD_PASSWORD)
    expect(again.status).toBe(409)
    expect((await site.browser().get(link)).status).toBe(409)
    expect((await signIn(email, OTHER_PASSWORD)).status).toBe(303)
    expect((await site.mail.to(email)).at(-1)!.subject).toContain('was changed')
    const told = site.events.filter((event) => event.kind === 'account.changed' && event.subject === personId)
    expect(told.map((event) => 'what' in event && event.what)).toEqual(
      expect.arrayContaining(['password-reset-asked', 'password-reset']),
    )
  })

  test('is answered alike for an address that has an account and one that has none', async () => {
    const { email } = await person()
    const answers = await Promise.all([ask(email), ask('nobody@example.com'), ask('nobody@sub.example.com')])
    const seen = answers.map((answer) => [answer.status, answer.headers.get('location')])
    expect(new Set(seen.map(String)).size).toBe(1)
    expect(seen[0]).toEqual([303, '/account/reset?done=asked'])
    expect(await site.mail.to('nobody@example.com')).toEqual([])
  })

  test('is answered before anybody looks for the account', async () => {
    const { email } = await person()
    const tasks: string[] = []
    const identity = site.reopen({
      outbox: site.mail.outbox,
      store: (task, tables) => {
        tasks.push(task)
        return site.store(task, tables)
      },
    })
    await identity.passwordReset!.ask(email, CLIENT, 'request')
    expect(tasks).toEqual([])
    await site.mail.outbox.idle()
    expect(tasks).toContain('ask-reset')
  })

  test('is never replaced through a link to another host', async () => {
    const { email } = await person()
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
      origin: SITE_URL,
    }
    await ask(email, headers)
    const [letter] = (await site.mail.to(email)).slice(-1)
    expect(letter!.text).toContain(`${SITE_URL}/account/reset/password?token=`)
    expect(letter!.text).not.toContain('evil')
    for (const url of letter!.text.matchAll(/https?:\/\/\S+/g)) expect(url[0]).toMatch(`${SITE_URL}`)
  })

  test('is refused to other sites', async () => {
    const { email } = await person()
    const before = (await site.mail.to(email)).length
    const foreign = { 'sec-fetch-site': 'cross-site', accept: 'application/json' }
    expect((await ask(email, foreign)).status).toBe(403)
    const link = await resetLink(email)
    const answer = await site
      .browser()
      .post('/account/reset/password', { token: tokenOf(link), password: OTHER_PASSWORD }, foreign)
    expect(answer.status).toBe(403)
    expect((await site.mail.to(email)).length).toBe(before + 1)
    expect((await signIn(email, GOOD_PASSWORD)).status).toBe(303)
  })

  test.each([
    ['password', 'stolen'],
    ['aaaaaaaaaaaa', 'guessed'],
    ['short', 'fewer'],
    ['x'.repeat(1_000_000), 'too many'],
  ])('is not replaced by %.12s, and the link stays', async (weak, word) => {
    const { email } = await person()
    const token = tokenOf(await resetLink(email))
    const answer = await set(token, weak)
    expect(answer.status).toBe(422)
    const page = await answer.text()
    expect(page).toContain(word)
    expect(page).toContain('aria-invalid')
    expect((await set(token, OTHER_PASSWORD)).status).toBe(303)
  })

  test('goes to one of those who use the link at once', async () => {
    const { email } = await person()
    const token = tokenOf(await resetLink(email))
    const passwords = Array.from({ length: 6 }, (_, i) => `${OTHER_PASSWORD} ${i}`)
    const answers = await Promise.all(passwords.map((password) => set(token, password)))
    const taken = answers.map(({ status }) => status)
    expect(taken.toSorted((a, b) => a - b)).toEqual([303, 409, 409, 409, 409, 409])
    const opened = await Promise.all(
      passwords.map(async (password) => (await signIn(email, password)).status),
    )
    expect(opened).toEqual(taken.map((status) => (status === 303 ? 303 : 401)))
  })

  test('is not replaced after an hour, nor by an earlier letter', async () => {
    const { email } = await person()
    const first = await resetLink(email)
    const second = await resetLink(email)
    expect((await set(tokenOf(first), OTHER_PASSWORD)).status).toBe(409)
    site.world.clock.advance(HOUR)
    expect((await set(tokenOf(second), OTHER_PASSWORD)).status).toBe(409)
    expect((await signIn(email, GOOD_PASSWORD)).status).toBe(303)
  })

  test('is not replaced by what stands in the database', async () => {
    const { email, personId } = await person()
    await resetLink(email)
    const raw = await site.world.database.owner.query('select * from app.mail_links')
    expect(JSON.stringify(raw.rows)).not.toContain(email)
    const rows = await site
      .store('tests', ['mail_links'])
      .selectFrom('mail_links')
      .selectAll()
      .where('personId', '=', personId)
      .execute()
    const opened = rows.find(({ purpose }) => purpose === 'reset-password')!
    for (const guess of [
      opened.secretHash,
      opened.id,
      Buffer.from(opened.secretHash, 'hex').toString('base64url'),
    ])
      expect((await set(guess, OTHER_PASSWORD)).status).toBe(409)
    const blind = raw.rows.flatMap((row) => Object.values(row as object).map(String))
    for (const value of blind) expect((await set(value, OTHER_PASSWORD)).status).toBe(409)
  })

  test('makes every device unknown, so that none gets in while others are shut out', async () => {
    const { email, personId } = await person()
    const token = tokenOf(await resetLink(email))
    const forgotten: (readonly string[])[] = []
    const guard = { ...openGuard, forgetDevices: async (of: readonly string[]) => void forgotten.push(of) }
    const identity = site.reopen({ outbox: site.mail.outbox, guard })
    expect(await identity.passwordReset!.finish(token, OTHER_PASSWORD)).toBe(personId)
    expect(forgotten).toEqual([[email, personId]])
  })

  test('is set by no letter where only an identity provider signs in', async () => {
    const email = `provided-${++count}@example.com`
    const providers = createProviderAccounts({ store: site.store, clock: site.world.clock })
    const [issuer, subject] = ['https://id.example', `subject of ${email}`]
    const vouched = { provider: 'test', issuer, subject, authenticatedAt: null }
    await providers.accountOf({ ...vouched, email, emailVerified: true, name: 'Ada' })
    await ask(email)
    const letter = (await site.mail.to(email)).at(-1)!
    expect(letter.subject).toContain('No new password')
    expect(letter.text).not.toContain('token=')
  })

  test('can be set by who was given an account without one', async () => {
    const email = `given-${++count}@example.com`
    const accounts = createAccounts({ store: site.store, clock: site.world.clock })
    await accounts.add({ email, emailVerified: true, name: 'Ada' })
    await set(tokenOf(await resetLink(email)), OTHER_PASSWORD)
    expect((await signIn(email, OTHER_PASSWORD)).status).toBe(303)
  })

  test('keeps the second factor, which is asked for afterwards', async () => {
    const { email, browser, personId } = await person()
    const secret = await site.identity.secondFactors.authenticators.begin(personId)
    const code = (): string => totpCode(secret, totpStep(site.world.clock.now()))
    expect(await site.identity.secondFactors.authenticators.confirm(personId, code())).toBe(true)
    await set(tokenOf(await resetLink(email)), OTHER_PASSWORD)
    const answer = await signIn(email, OTHER_PASSWORD, browser)
    expect(answer.headers.get('location')).toContain('/account/second-factor')
    expect((await browser.get('/account/security')).headers.get('location')).toContain('second-factor')
    site.world.clock.advance(60_000)
    const form = await browser.formToken('/account/second-factor')
    const done = await browser.post('/account/second-factor', { form, code: code() })
    expect(done.headers.get('location')).toBe('/account/security')
  })

  test('of somebody who is switched off is not replaced, and nothing is written', async () => {
    const { email, personId } = await person()
    const link = await resetLink(email)
    const before = (await site.mail.to(email)).length
    await createAccounts({ store: site.store, clock: site.world.clock }).setEnabled(personId, false)
    await ask(email)
    expect((await site.mail.to(email)).length).toBe(before)
    expect((await set(tokenOf(link), OTHER_PASSWORD)).status).toBe(409)
  })

  test('of an address that only looks alike is nobody’s', async () => {
    const { email } = await person()
    const before = site.mail.letters.length
    const cyrillic = email.replace('e', 'е')
    expect((await ask(cyrillic)).status).toBe(422)
    const foreign = email.replace('example.com', 'exаmple.com')
    expect((await ask(foreign)).status).toBe(303)
    await site.mail.outbox.idle()
    expect(site.mail.letters.length).toBe(before)
    // What is the same mailbox by its canonical form gets its letter at the address that is stored.
    await ask(email.toUpperCase())
    expect((await site.mail.to(email)).length).toBeGreaterThan(0)
    expect(site.mail.letters.at(-1)!.to).toBe(email)
  })
})

describe('an account whose address was never confirmed', { timeout: 120_000 }, () => {
  test('is the mailbox’s once its reader sets the password: nothing of before opens it', async () => {
    const { email, browser } = await person(false)
    await set(tokenOf(await resetLink(email)), OTHER_PASSWORD)
    expect((await browser.get('/account/security')).headers.get('location')).toContain('sign-in')
    expect((await signIn(email, GOOD_PASSWORD)).status).toBe(401)
    const owner = site.browser()
    await signIn(email, OTHER_PASSWORD, owner)
    expect(await (await owner.get('/account/security')).text()).toContain('confirmed.')
  })

  test('is never shared: with a second factor of whoever made it, no letter opens it', async () => {
    const { email, personId } = await person(false)
    const link = await resetLink(email)
    const secret = await site.identity.secondFactors.authenticators.begin(personId)
    const code = totpCode(secret, totpStep(site.world.clock.now()))
    await site.identity.secondFactors.authenticators.confirm(personId, code)
    expect((await set(tokenOf(link), OTHER_PASSWORD)).status).toBe(409)
    await ask(email)
    const letter = (await site.mail.to(email)).at(-1)!
    expect(letter.subject).toContain('No new password')
    expect(letter.text).not.toContain('token=')
  })
})

describe('without mail', { timeout: 120_000 }, () => {
  test('the pages say what is not offered, and nothing pretends', async () => {
    const bare = await openAccountSite()
    try {
      const browser = bare.browser()
      expect(await (await browser.get('/account/sign-in')).text()).toContain('/account/reset')
      const page = await (await browser.get('/account/reset')).text()
      expect(page).toContain('Not offered here')
      expect(page).not.toContain('name="email"')
      expect((await browser.post('/account/reset', { email: 'ada@example.com' })).status).toBe(503)
      expect((await browser.get('/account/reset/password?token=x')).status).toBe(503)
      await browser.post('/account/sign-up', { email: 'a@example.com', name: 'A', password: GOOD_PASSWORD })
      await browser.post('/account/sign-in', { email: 'a@example.com', password: GOOD_PASSWORD })
      const own = await (await browser.get('/account/security')).text()
      expect(own).toContain('This site sends no mail')
      expect(own).not.toContain('/account/address')
    } finally {
      await bare.close()
    }
  })
})
