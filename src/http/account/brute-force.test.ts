import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { OWASP_ARGON2 } from '../../identity/index.ts'
import { GOOD_PASSWORD, guardOver, OTHER_PASSWORD as OTHER } from '../../identity/testing.ts'
import { hasCode, type SuretyError } from '../../kernel/index.ts'
import {
  openAccountSite,
  PROXIED,
  SITE_URL,
  type AccountSite,
  type TestBrowser,
} from '../testing/account-site.ts'

vi.setConfig({ testTimeout: 120_000 })

const ACCOUNTS = 50
const ADDRESSES = 200
const GUESSES = 10_000
/** Guesses that are on their way at once. */
const AT_ONCE = 25
/** Between two guesses: the whole attack takes five minutes. */
const PACE_MS = 30
const HOUR = 3_600_000

let site: AccountSite
beforeAll(async () => {
  site = await openAccountSite({ guardsGuessing: true })
}, 120_000)
afterAll(() => site.close())

/** No two of one network: IPv4 from networks of their own, IPv6 from sites of their own. */
const attackers = Array.from({ length: ADDRESSES }, (_, i) =>
  i % 2 === 0 ? `203.0.${i}.${1 + i}` : `2001:db8:${i.toString(16)}::${(i + 7).toString(16)}`,
)

async function guess(address: string, email: string, password: string): Promise<number> {
  const headers = {
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    'x-forwarded-for': address,
  }
  const body = new URLSearchParams({ email, password }).toString()
  const init = { method: 'POST', headers, body }
  return (await site.app.request(`${SITE_URL}/account/sign-in`, init, PROXIED)).status
}

const emailOf = (account: number): string => `owner-${account}@example.com`
const homeOf = (account: number): string => `198.51.100.${account + 1}`
/** Each person's own password. */
const passwordOf = (account: number): string => `${GOOD_PASSWORD} ${account}`
const signIn = async (browser: TestBrowser, account: number): Promise<number> => {
  const fields = { email: emailOf(account), password: passwordOf(account) }
  return (await browser.post('/account/sign-in', fields)).status
}

describe('10,000 passwords from 200 addresses on 50 accounts', () => {
  const perAccount = GUESSES / ACCOUNTS
  const owners: TestBrowser[] = []
  const answers = new Map<number, number>()

  /** The right password stands in the last quarter of an account's guesses. */
  const passwordAt = (account: number, round: number): string =>
    round === (perAccount * 3) / 4 + account ? passwordOf(account) : `guess ${round} of many`

  async function attack(from: number, to: number): Promise<void> {
    for (let start = from; start < to; start += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, (_, i) => {
        const [account, round] = [(start + i) % ACCOUNTS, Math.floor((start + i) / ACCOUNTS)]
        const address = attackers[(round * 7 + account * 13) % ADDRESSES]!
        return guess(address, emailOf(account), passwordAt(account, round))
      })
      for (const status of await Promise.all(batch)) answers.set(status, (answers.get(status) ?? 0) + 1)
      site.world.clock.advance(AT_ONCE * PACE_MS)
    }
  }

  beforeAll(async () => {
    for (let account = 0; account < ACCOUNTS; account++) {
      const browser = site.browser(homeOf(account))
      const person = { email: emailOf(account), name: 'Ada', password: passwordOf(account) }
      expect((await browser.post('/account/sign-up', person)).status).toBe(303)
      expect(await signIn(browser, account)).toBe(303)
      owners.push(browser)
    }
    site.world.clock.advance(HOUR)
  }, 600_000)

  test('get in nowhere, while owners sign in with the devices they have', { timeout: 900_000 }, async () => {
    for (let quarter = 0; quarter < 4; quarter++) {
      await attack((quarter * GUESSES) / 4, ((quarter + 1) * GUESSES) / 4)
      for (let account = quarter; account < ACCOUNTS; account += 5)
        expect(await signIn(owners[account]!, account)).toBe(303)
    }
    expect(new Set(answers.keys())).toEqual(new Set([401, 429]))
    expect(answers.get(401)! + answers.get(429)!).toBe(GUESSES)
    // Few passwords were looked at at all.
    expect(answers.get(401)!).toBeLessThanOrEqual(ACCOUNTS * 4)
  })

  test('are noticed as one attack', () => {
    const attacks = site.guarded.filter(({ kind }) => kind === 'attack')
    expect(attacks).toContainEqual(expect.objectContaining({ pattern: 'spraying', scope: 'installation' }))
    expect(attacks.length).toBeLessThanOrEqual(3)
  })

  test('keep owners out of new devices no longer than the lock lasts', async () => {
    expect(await signIn(site.browser('192.0.2.1'), 0)).toBe(429)
    site.world.clock.advance(HOUR)
    for (let account = 0; account < ACCOUNTS; account++)
      expect(await signIn(site.browser(`192.0.2.${account + 1}`), account)).toBe(303)
  })
})

describe('a queue full of one network’s tries', { timeout: 120_000 }, () => {
  test('has a place for an owner from elsewhere, on a new device', async () => {
    // At OWASP's cost: passwords come faster than they can be checked.
    const guard = await guardOver(site.world)
    const { passwords } = site.reopen({ guard, argon2: OWASP_ARGON2 })
    const person = { email: 'queued@example.com', password: GOOD_PASSWORD }
    await passwords.signUp({ ...person, name: 'Ada' })
    const from = (address: string) => ({ address, userAgent: null, device: null })
    const full = Promise.withResolvers<void>()
    const tries = Array.from({ length: 100 }, async (_, i) => {
      const fields = { email: `flood-${i}@example.com`, password: 'a wrong guess' }
      const refused = await passwords
        .signIn(fields, from(`203.0.113.${i}`))
        .catch((error: SuretyError) => error)
      if (hasCode(refused, 'ERR_IDENTITY_BUSY')) full.resolve()
    })
    await full.promise
    const token = await passwords.signIn(person, from('198.51.100.200'))
    expect(await site.identity.sessions.find(token)).not.toBeNull()
    await Promise.all(tries)
  })
})

describe('what the limits tell', () => {
  test('an account that does not exist is slowed down and locked like one that does', async () => {
    const email = 'exists@example.com'
    await site.browser('192.0.2.90').post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
    const answersTo = async (address: string, account: string) => {
      const statuses: number[] = []
      for (let i = 0; i < 12; i++) {
        statuses.push(await guess(address, account, `wrong guess ${i}`))
        site.world.clock.advance(700)
      }
      return statuses
    }
    const known = await answersTo('192.0.2.91', email)
    expect(known).toContain(429)
    expect(await answersTo('192.0.2.191', 'missing@example.com')).toEqual(known)
  })

  test('who has to wait is told how long, and gets in after that', async () => {
    const [email, browser] = ['waiting@example.com', site.browser('192.0.2.95')]
    await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
    const tries = async (password: string, accept: string) =>
      browser.post('/account/sign-in', { email, password }, { accept })
    for (let i = 0; i < 4; i++) expect((await tries(`wrong guess ${i}`, 'text/html')).status).toBe(401)
    const page = await tries(GOOD_PASSWORD, 'text/html')
    expect([page.status, page.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await page.text()).toContain('Too many tries. Try again in 1 second.')
    site.world.clock.advance(1_000)
    for (let i = 4; i < 6; i++) {
      expect((await tries(`wrong guess ${i}`, 'text/html')).status).toBe(401)
      site.world.clock.advance(4_000)
    }
    const locked = await tries(GOOD_PASSWORD, 'application/json')
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '3596'])
    expect(await locked.json()).toMatchObject({
      code: 'ERR_IDENTITY_LOCKED',
      detail: 'Try again in 60 minutes.',
    })
    site.world.clock.advance(3_596_000)
    expect((await tries(GOOD_PASSWORD, 'text/html')).status).toBe(303)
  })

  test.each([
    ['signing out everywhere', '/account/sessions', '/account/sessions/end-all', {}, GOOD_PASSWORD],
    ['another password', '/account/security', '/account/security/password', { password: OTHER }, OTHER],
  ])('%s makes strangers of all other devices, and keeps this one', async (_, page, action, more, after) => {
    const email = `everywhere-${action.length}@example.com`
    const [own, lost] = [site.browser('192.0.2.96'), site.browser('192.0.2.97')]
    await own.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
    const enter = (browser: TestBrowser, password: string) =>
      browser.post('/account/sign-in', { email, password })
    expect((await enter(lost, GOOD_PASSWORD)).status).toBe(303)
    site.world.clock.advance(1_000)
    expect((await enter(own, GOOD_PASSWORD)).status).toBe(303)
    const form = await own.formToken(page)
    expect((await own.post(action, { form, ...more })).status).toBe(303)
    for (let i = 0; i < 40; i++) {
      await guess(`203.0.113.${i}`, email, `wrong guess ${i}`)
      site.world.clock.advance(1_000)
    }
    expect((await enter(lost, after)).status).toBe(429)
    expect((await enter(own, after)).status).toBe(303)
  })

  test('sign-ups of one address, each of which costs a hash, are limited', { timeout: 120_000 }, async () => {
    site.world.clock.advance(2 * HOUR)
    const signUp = async (i: number, address: string) => {
      const person = { email: `many-${i}@example.com`, name: 'Ada', password: GOOD_PASSWORD }
      return (await site.browser(address).post('/account/sign-up', person)).status
    }
    const statuses: number[] = []
    for (let i = 0; i < 25; i++) statuses.push(await signUp(i, '192.0.2.98'))
    expect(statuses.filter((status) => status === 303)).toHaveLength(21)
    expect(statuses.at(-1)).toBe(429)
    expect(await signUp(99, '198.51.100.98')).toBe(303)
    const neighbour = site.browser('192.0.2.98')
    const fields = { email: 'many-0@example.com', password: GOOD_PASSWORD }
    expect((await neighbour.post('/account/sign-in', fields)).status).toBe(303)
    site.world.clock.advance(1_000)
    expect(await signUp(30, '192.0.2.98')).toBe(303)
  })

  test('a header that no declared proxy wrote makes nobody somebody else', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 30; i++) {
      // The client writes an address of its own before what the proxy adds.
      statuses.push(await guess(`10.9.${i}.1, 192.0.2.200`, `somebody-${i}@example.com`, 'a wrong guess'))
    }
    expect(statuses.at(-1)).toBe(429)
    expect(site.guarded).toContainEqual(expect.objectContaining({ pattern: 'stuffing', scope: 'address' }))
  })

  test('codes of a second factor and the password asked again are guessed as little', async () => {
    const { passwords, sessions, secondFactors } = site.identity
    const person = { email: 'factor@example.com', password: GOOD_PASSWORD }
    await passwords.signUp({ ...person, name: 'Ada' })
    const client = { address: '192.0.2.210', userAgent: null, device: null }
    const { personId } = (await sessions.find(await passwords.signIn(person, client)))!
    const codes: string[] = []
    for (let i = 0; i < 20; i++) {
      const code = String(100_000 + i)
      await secondFactors
        .check(personId, code, client)
        .catch((error: { code: string }) => codes.push(error.code))
      site.world.clock.advance(500)
    }
    expect(codes.filter((code) => code === 'ERR_IDENTITY_CODE')).toHaveLength(6)
    expect(codes.at(-1)).toBe('ERR_IDENTITY_LOCKED')
    await expect(passwords.confirm(personId, GOOD_PASSWORD, client)).rejects.toMatchObject({
      code: 'ERR_IDENTITY_LOCKED',
    })
  })

  test('a device is known for its own account, once it has signed in, and its cookie is kept from scripts', async () => {
    const email = 'device@example.com'
    const browser = site.browser('192.0.2.201')
    await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
    expect(browser.cookies.has('codetime-devices')).toBe(false)
    const answer = await browser.post('/account/sign-in', { email, password: GOOD_PASSWORD })
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('codetime-devices='))
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(cookie).not.toContain(email)
  })
})
