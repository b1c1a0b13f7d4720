import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProviderAccounts } from '../../identity/index.ts'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { openAccountSite, SITE_URL, type AccountSite, type TestBrowser } from '../testing/account-site.ts'

const DAY = 86_400_000

let site: AccountSite
beforeAll(async () => {
  site = await openAccountSite({ sendsMail: true })
}, 120_000)
afterAll(() => site.close())

let count = 0
const newAddress = (): string => `holder-${++count}@example.com`

interface Person {
  readonly email: string
  readonly browser: TestBrowser
  readonly form: string
}

async function signedUp(email = newAddress()): Promise<Person> {
  const browser = site.browser()
  await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
  await browser.post('/account/sign-in', { email, password: GOOD_PASSWORD })
  return { email, browser, form: await browser.formToken('/account/security') }
}

const tokenOf = (link: string): string => new URL(link, SITE_URL).searchParams.get('token')!
const confirm = ({ browser, form }: Person, link: string) =>
  browser.post('/account/address', { form, token: tokenOf(link) })

async function confirmed(): Promise<Person> {
  const person = await signedUp()
  await confirm(person, await site.mail.linkTo(person.email))
  return person
}

const change = ({ browser, form }: Person, email: string) =>
  browser.post('/account/address/change', { form, email })
const accountAt = async (email: string) => {
  const rows = site.store('tests', ['accounts']).selectFrom('accounts').selectAll()
  return rows.where('email', '=', email).executeTakeFirst()
}
const isConfirmed = async (email: string): Promise<boolean> =>
  (await accountAt(email))?.emailVerified ?? false
const locationOf = (answer: Response) => answer.headers.get('location')

describe('an address', { timeout: 120_000 }, () => {
  test('is the person’s once they open the link of its letter, signed in', async () => {
    const person = await signedUp()
    const [letter] = await site.mail.to(person.email)
    expect(letter!.subject).toBe('Confirm your e-mail address for Codetime')
    expect(letter!.text).not.toContain('Ada')
    expect(await isConfirmed(person.email)).toBe(false)
    const link = await site.mail.linkTo(person.email)
    expect(link).toMatch(/^\/account\/address\?token=[\w-]{43}$/)
    const page = await (await person.browser.get(link)).text()
    expect(page).toContain('This address is mine')
    expect(await isConfirmed(person.email)).toBe(false)
    expect(locationOf(await confirm(person, link))).toBe('/account/security?done=address-confirmed')
    expect(await isConfirmed(person.email)).toBe(true)
    expect(site.events.at(-1)).toMatchObject({ kind: 'account.changed', what: 'address-confirmed' })
    expect((await confirm(person, link)).status).toBe(409)
  })

  test('is not confirmed by who is not signed in, and the link waits until they are', async () => {
    const person = await signedUp()
    const link = await site.mail.linkTo(person.email)
    const stranger = site.browser()
    const next = encodeURIComponent(link)
    expect(locationOf(await stranger.get(link))).toBe(`/account/sign-in?next=${next}`)
    const sent = await stranger.post('/account/address', { token: tokenOf(link) })
    expect(locationOf(sent)).toContain('/account/sign-in')
    expect(await isConfirmed(person.email)).toBe(false)
    const back = await stranger.post('/account/sign-in', {
      email: person.email,
      password: GOOD_PASSWORD,
      next: link,
    })
    expect(locationOf(back)).toBe(link)
  })

  test('is not confirmed by the link of another person, which stays as it was', async () => {
    const [ada, eve] = [await signedUp(), await signedUp()]
    const link = await site.mail.linkTo(ada.email)
    const answer = await confirm(eve, link)
    expect(answer.status).toBe(409)
    expect([await isConfirmed(ada.email), await isConfirmed(eve.email)]).toEqual([false, false])
    expect((await confirm(ada, link)).status).toBe(303)
  })

  test('is confirmed by one of those who use the link at once', async () => {
    const person = await signedUp()
    const link = await site.mail.linkTo(person.email)
    const answers = await Promise.all(Array.from({ length: 6 }, () => confirm(person, link)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      303, 409, 409, 409, 409, 409,
    ])
  })

  test('is not confirmed after a day', async () => {
    const person = await signedUp()
    const link = await site.mail.linkTo(person.email)
    site.world.clock.advance(DAY)
    const later = site.browser()
    await later.post('/account/sign-in', { email: person.email, password: GOOD_PASSWORD })
    const form = await later.formToken('/account/security')
    expect((await confirm({ ...person, browser: later, form }, link)).status).toBe(409)
    await later.post('/account/address/send', { form })
    const fresh = await site.mail.linkTo(person.email)
    expect((await confirm({ ...person, browser: later, form }, fresh)).status).toBe(303)
    // What has ended is gone with the next letter.
    const left = await site.store('tests', ['mail_links']).selectFrom('mail_links').selectAll().execute()
    expect(left.every(({ expiresAt }) => expiresAt.getTime() > site.world.clock.now())).toBe(true)
  })

  test('is not confirmed by the link for a new password', async () => {
    const person = await signedUp()
    await site.browser().post('/account/reset', { email: person.email })
    const link = await site.mail.linkTo(person.email)
    expect(link).toContain('/reset/')
    expect((await confirm(person, link)).status).toBe(409)
    expect(await isConfirmed(person.email)).toBe(false)
  })

  test('that was never confirmed joins nobody who signs in through a provider', async () => {
    const attacker = await signedUp()
    const providers = createProviderAccounts({ store: site.store, clock: site.world.clock })
    const owner = {
      provider: 'test',
      issuer: 'https://id.example',
      subject: `subject of ${attacker.email}`,
      email: attacker.email,
      emailVerified: true,
      name: 'Owner',
      authenticatedAt: null,
    }
    await expect(providers.accountOf(owner)).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_LINK' })
    // The attacker asks for letters as often as they like: the link is in the owner's mailbox.
    await attacker.browser.post('/account/address/send', { form: attacker.form })
    await expect(providers.accountOf(owner)).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_LINK' })
    await confirm(attacker, await site.mail.linkTo(attacker.email))
    await expect(providers.accountOf(owner)).resolves.toMatchObject({ isNew: false })
  })

  test('that has an account is told so by letter, and nobody else learns it', async () => {
    const person = await confirmed()
    const again = await site
      .browser()
      .post('/account/sign-up', { email: person.email, name: 'Eve', password: OTHER_PASSWORD })
    const fresh = await site
      .browser()
      .post('/account/sign-up', { email: newAddress(), name: 'Eve', password: OTHER_PASSWORD })
    expect(locationOf(again)).toBe(locationOf(fresh))
    const letter = (await site.mail.to(person.email)).at(-1)!
    expect(letter.subject).toBe('You have an account at Codetime')
    expect(letter.text).not.toContain('Eve')
    expect(letter.text).not.toContain('token=')
  })
})

describe('another address', { timeout: 120_000 }, () => {
  test('becomes the person’s by its own letter, and the old one is told', async () => {
    const person = await confirmed()
    const email = newAddress()
    expect(locationOf(await change(person, email))).toBe('/account/security?done=letter')
    const link = await site.mail.linkTo(email)
    expect(await accountAt(person.email)).toBeDefined()
    expect(locationOf(await confirm(person, link))).toBe('/account/security?done=address-changed')
    expect([await isConfirmed(email), await accountAt(person.email)]).toEqual([true, undefined])
    const told = (await site.mail.to(person.email)).at(-1)!
    expect(told.subject).toBe('Your e-mail address at Codetime was changed')
    expect(told.text).not.toContain(email)
    const signIn = (address: string) =>
      site.browser().post('/account/sign-in', { email: address, password: GOOD_PASSWORD })
    expect([(await signIn(person.email)).status, (await signIn(email)).status]).toEqual([401, 303])
    // The old address is free for whoever has its mailbox.
    const next = await signedUp(person.email)
    expect(await accountAt(next.email)).toBeDefined()
  })

  test('takes links to the old one with it', async () => {
    const person = await confirmed()
    await site.browser().post('/account/reset', { email: person.email })
    const reset = await site.mail.linkTo(person.email)
    const email = newAddress()
    await change(person, email)
    await confirm(person, await site.mail.linkTo(email))
    const answer = await site
      .browser()
      .post('/account/reset/password', { token: tokenOf(reset), password: OTHER_PASSWORD })
    expect(answer.status).toBe(409)
  })

  test('is not taken from the account that has it, by link or by race', async () => {
    const [ada, eve] = [await confirmed(), await confirmed()]
    const answer = await change(eve, ada.email)
    expect(locationOf(answer)).toBe('/account/security?done=letter')
    expect((await site.mail.to(ada.email)).at(-1)!.subject).toBe('You have an account at Codetime')
    // Free when it was asked for, taken when the link is opened.
    const wanted = newAddress()
    await change(eve, wanted)
    const link = await site.mail.linkTo(wanted)
    await signedUp(wanted)
    expect((await confirm(eve, link)).status).toBe(409)
    expect(await isConfirmed(eve.email)).toBe(true)
  })

  test('is not taken through the link of another person, which stays as it was', async () => {
    const [ada, eve] = [await confirmed(), await confirmed()]
    const email = newAddress()
    await change(ada, email)
    const link = await site.mail.linkTo(email)
    expect((await confirm(eve, link)).status).toBe(409)
    expect(await accountAt(eve.email)).toBeDefined()
    expect(await accountAt(email)).toBeUndefined()
    expect((await confirm(ada, link)).status).toBe(303)
  })

  test('asks for a fresh proof, a form of this session and an address that can be one', async () => {
    const person = await confirmed()
    const api = { accept: 'application/json' }
    const post = (fields: Record<string, string>, headers = {}) =>
      person.browser.post('/account/address/change', fields, { ...api, ...headers })
    expect((await post({ email: newAddress() })).status).toBe(403)
    expect(
      (await post({ form: person.form, email: newAddress() }, { 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403)
    for (const email of ['аda@example.com', 'nobody', person.email, ''])
      expect((await post({ form: person.form, email })).status).toBe(422)
    site.world.clock.advance(11 * 60_000)
    const stale = await post({ form: person.form, email: newAddress() })
    expect([stale.status, await stale.json()]).toMatchObject([403, { code: 'ERR_IDENTITY_STEP_UP' }])
  })
})

describe('letters', { timeout: 120_000 }, () => {
  test('to one mailbox are limited, whoever asks, and keep nobody from signing in', async () => {
    const guarded = await openAccountSite({ sendsMail: true, guardsGuessing: true })
    try {
      const email = 'flooded@example.com'
      const first = guarded.browser('198.51.100.1')
      await first.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
      const answers: number[] = []
      for (let i = 0; i < 40; i++) {
        const attacker = guarded.browser(`203.0.${i}.7`)
        const headers = { accept: 'application/json' }
        answers.push((await attacker.post('/account/reset', { email }, headers)).status)
        // Nobody's mailbox is limited alike, so that the limit tells nothing.
        const unknown = await attacker.post('/account/reset', { email: 'unknown@example.com' }, headers)
        if (i > 0) expect(unknown.status).toBe(answers[i - 1])
        guarded.world.clock.advance(10_000)
      }
      expect(answers).toContain(429)
      expect((await guarded.mail.to(email)).length).toBeLessThanOrEqual(11)
      const signIn = await guarded
        .browser('198.51.100.1')
        .post('/account/sign-in', { email, password: GOOD_PASSWORD })
      expect(signIn.status).toBe(303)
    } finally {
      await guarded.close()
    }
  }, 120_000)

  test('to strangers are limited for each who asks', async () => {
    const guarded = await openAccountSite({ sendsMail: true, guardsGuessing: true })
    try {
      const [email, password] = ['asker@example.com', GOOD_PASSWORD]
      const browser = guarded.browser('198.51.100.1')
      await browser.post('/account/sign-up', { email, name: 'Ada', password })
      await browser.post('/account/sign-in', { email, password })
      const form = await browser.formToken('/account/security')
      const answers: number[] = []
      for (let i = 0; i < 15; i++) {
        const fields = { form, email: `stranger-${i}@example.com` }
        const headers = { accept: 'application/json' }
        answers.push((await browser.post('/account/address/change', fields, headers)).status)
      }
      expect(answers).toContain(429)
      await guarded.mail.outbox.idle()
      expect(guarded.mail.letters.length).toBeLessThan(8)
    } finally {
      await guarded.close()
    }
  }, 120_000)

  test('of sign-ups to one mailbox are limited, and the answers do not show whose it is', async () => {
    const guarded = await openAccountSite({ sendsMail: true, guardsGuessing: true })
    try {
      const [taken, free] = ['taken@example.com', 'bombed@example.com']
      await guarded.identity.passwords.signUp({ email: taken, name: 'Ada', password: GOOD_PASSWORD })
      const answersTo = async (email: string, network: number): Promise<string[]> => {
        const answers: string[] = []
        for (let i = 0; i < 15; i++) {
          const browser = guarded.browser(`203.${network}.${i}.7`)
          const answer = await browser.post('/account/sign-up', {
            email,
            name: 'Ada',
            password: GOOD_PASSWORD,
          })
          answers.push(`${answer.status} ${locationOf(answer)}`)
        }
        return answers
      }
      const answers = await answersTo(free, 0)
      expect(await answersTo(taken, 1)).toEqual(answers)
      expect(new Set(answers.map((answer) => answer.slice(0, 3)))).toEqual(new Set(['303', '429']))
      expect(new Set(answers).size).toBe(2)
      expect((await guarded.mail.to(free)).length).toBeLessThan(8)
      expect((await guarded.mail.to(taken)).length).toBeLessThan(8)
      expect(guarded.mail.logged).toEqual([])
    } finally {
      await guarded.close()
    }
  }, 120_000)
})
