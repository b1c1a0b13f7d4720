import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts, type Accounts } from '../accounts.ts'
import { CLIENT, GOOD_PASSWORD, openTestIdentity, requestWith, type TestIdentity } from '../testing.ts'
import { createProviderAccounts, type ProviderAccounts } from './provider-accounts.ts'
import type { VerifiedIdentity } from './provider-sign-in.ts'
import { useOnce } from '../use-once.ts'

let opened: TestIdentity
let links: ProviderAccounts
let accounts: Accounts
beforeAll(async () => {
  opened = await openTestIdentity()
  const { store, world } = opened
  links = createProviderAccounts({ store, clock: world.clock })
  accounts = createAccounts({ store, clock: world.clock })
}, 120_000)
afterAll(() => opened.close())

let count = 0
const somebody = (said: Partial<VerifiedIdentity> = {}): VerifiedIdentity => ({
  provider: 'demo',
  issuer: 'https://provider.example',
  subject: `subject-${++count}`,
  email: `person-${count}@example.com`,
  emailVerified: true,
  name: 'Ada',
  authenticatedAt: null,
  ...said,
})
const accountRows = async (email: string) =>
  opened
    .store('tests', ['accounts'])
    .selectFrom('accounts')
    .select(['personId', 'emailVerified', 'name'])
    .where('email', '=', email)
    .execute()

describe('somebody who signs in through a provider', () => {
  test('gets an account the first time, and the same one ever after, whatever the provider says of the address', async () => {
    const identity = somebody()
    const { personId, isNew } = await links.accountOf(identity)
    expect(isNew).toBe(true)
    expect(await accountRows(identity.email!)).toEqual([{ personId, emailVerified: true, name: 'Ada' }])
    const changed = { ...identity, email: null, emailVerified: false }
    expect(await links.accountOf(changed)).toEqual({ personId, isNew: false })
  })

  test('is another person with the same subject at another issuer', async () => {
    const identity = somebody()
    const first = await links.accountOf(identity)
    const other = somebody({ subject: identity.subject, issuer: 'https://other.example' })
    expect((await links.accountOf(other)).personId).not.toBe(first.personId)
  })

  test('joins an account with the same address where both sides have verified it', async () => {
    const identity = somebody({ email: 'Invited@Example.com' })
    const personId = await accounts.add({ email: 'invited@example.com', emailVerified: true, name: 'Ada' })
    expect(await links.accountOf(identity)).toEqual({ personId, isNew: false })
    expect(await links.accountOf({ ...identity, email: null })).toEqual({ personId, isNew: false })
  })

  test('does not take over an account by an address that the provider did not verify', async () => {
    await accounts.add({ email: 'victim@example.com', emailVerified: true, name: 'Victim' })
    const attack = links.accountOf(somebody({ email: 'victim@example.com', emailVerified: false }))
    await expect(attack).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_EMAIL' })
  })

  test('learns nothing about who has an account from an unverified address', async () => {
    const refusals = await Promise.all(
      ['victim@example.com', 'nobody@example.com'].map((email) =>
        links.accountOf(somebody({ email, emailVerified: false })).catch((error: Error) => error.message),
      ),
    )
    expect(refusals[0]).toBe(refusals[1])
    expect(await accountRows('nobody@example.com')).toEqual([])
  })

  test('does not join an account that somebody else made with their address, and a password', async () => {
    const email = 'pre-hijacked@example.com'
    await opened.identity.passwords.signUp({ email, name: 'Attacker', password: GOOD_PASSWORD })
    const rightful = links.accountOf(somebody({ email }))
    await expect(rightful).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_LINK' })
  })

  test('does not take over an account by a mailbox whose name only normalises to its own', async () => {
    await accounts.add({ email: 'kim@example.com', emailVerified: true, name: 'Kim' })
    for (const email of ['\u212aim@example.com', 'ｋim@example.com', 'ki\u1d50@example.com'])
      await expect(links.accountOf(somebody({ email }))).rejects.toMatchObject({ code: 'ERR_IDENTITY_EMAIL' })
  })

  test('needs an address', async () => {
    await expect(links.accountOf(somebody({ email: null }))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_PROVIDER_EMAIL',
    })
    await expect(links.accountOf(somebody({ email: 'аda@example.com' }))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_EMAIL',
    })
  })

  test('gets one account, though both of two first sign-ins come at once', async () => {
    const identity = somebody()
    const both = await Promise.all([links.accountOf(identity), links.accountOf(identity)])
    expect(new Set(both.map(({ personId }) => personId)).size).toBe(1)
    expect(await accountRows(identity.email!)).toHaveLength(1)
  })
})

describe('an account that is switched off', () => {
  test('opens by no way, and its sessions are gone at once', async () => {
    const identity = somebody()
    const { personId } = await links.accountOf(identity)
    const session = { personId, methods: ['oidc'] as const, pending: false, ...CLIENT }
    const token = await opened.identity.sessions.open(session)
    expect(await opened.identity.signedIn(requestWith(opened.identity, token))).not.toBeNull()
    await accounts.setEnabled(personId, false)
    expect(await opened.identity.signedIn(requestWith(opened.identity, token))).toBeNull()
    const disabled = { code: 'ERR_IDENTITY_DISABLED' }
    await expect(links.accountOf(identity)).rejects.toMatchObject(disabled)
    const otherWay = { ...somebody(), email: identity.email }
    await expect(links.accountOf(otherWay)).rejects.toMatchObject(disabled)
    await accounts.setEnabled(personId, true)
    expect(await links.accountOf(identity)).toEqual({ personId, isNew: false })
  })

  test('is gone with all that signs in, when it is removed', async () => {
    const identity = somebody()
    const { personId } = await links.accountOf(identity)
    await accounts.remove(personId)
    const again = await links.accountOf(identity)
    expect(again.isNew).toBe(true)
    expect(again.personId).not.toBe(personId)
  })
})

describe('a transaction', () => {
  test('is used once, by one of two nodes, and forgotten when it could not be finished any more', async () => {
    const { store, world } = opened
    const nodes = [0, 1].map(() => useOnce({ store, clock: world.clock }))
    const until = world.clock.now() + 600_000
    const outcomes = await Promise.all(nodes.map((use) => use('transaction-1', until)))
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    world.clock.advance(600_000)
    expect(await nodes[0]!('transaction-1', until)).toBe(false)
    world.clock.advance(3_600_000)
    await nodes[0]!('transaction-2', world.clock.now() + 600_000)
    const rows = store('tests', ['finished_sign_ins']).selectFrom('finished_sign_ins').select('id')
    expect(await rows.execute()).toHaveLength(1)
  })
})
