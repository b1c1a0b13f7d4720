import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../../kernel/index.ts'
import { createChallenges } from '../challenges.ts'
import { openTestIdentity, type TestIdentity } from '../testing.ts'
import { createAuthenticators, type Authenticators } from './authenticators.ts'
import { createRecoveryCodes, type RecoveryCodes } from './recovery-codes.ts'
import { totpCode, totpStep } from './totp.ts'

let opened: TestIdentity
let authenticators: Authenticators
let codes: RecoveryCodes
beforeAll(async () => {
  opened = await openTestIdentity()
  authenticators = createAuthenticators(opened.store, opened.world.clock)
  codes = createRecoveryCodes(opened.store)
}, 120_000)
afterAll(() => opened.close())

const codeNow = (secret: string, skew = 0): string =>
  totpCode(secret, totpStep(opened.world.clock.now()) + skew)

async function withAuthenticator(): Promise<{ person: string; secret: string }> {
  const person = createPseudonym()
  const secret = await authenticators.begin(person)
  expect(await authenticators.confirm(person, codeNow(secret))).toBe(true)
  opened.world.clock.advance(60_000)
  return { person, secret }
}

describe('an authenticator app', () => {
  test('counts only once a code has shown that it has the secret', async () => {
    const person = createPseudonym()
    const secret = await authenticators.begin(person)
    expect(await authenticators.has(person)).toBe(false)
    expect(await authenticators.check(person, codeNow(secret))).toBe(false)
    expect(await authenticators.confirm(person, '000000')).toBe(false)
    expect(await authenticators.confirm(person, codeNow(secret))).toBe(true)
    expect(await authenticators.has(person)).toBe(true)
    await expect(authenticators.begin(person)).rejects.toMatchObject({ code: 'ERR_IDENTITY_CODE' })
  })

  test('has each code taken once, and none that is older than the last', async () => {
    const { person, secret } = await withAuthenticator()
    const [earlier, current] = [codeNow(secret, -1), codeNow(secret)]
    expect(await authenticators.check(person, current)).toBe(true)
    expect(await authenticators.check(person, current)).toBe(false)
    expect(await authenticators.check(person, earlier)).toBe(false)
  })

  test('has a code taken by one of those who race with it', async () => {
    const { person, secret } = await withAuthenticator()
    const tries = await Promise.all(
      Array.from({ length: 6 }, () => authenticators.check(person, codeNow(secret))),
    )
    expect(tries.filter((taken) => taken)).toHaveLength(1)
  })

  test('does not open when its last step was turned back in SQL', async () => {
    const { person, secret } = await withAuthenticator()
    const turnBack = `update app.authenticators set "lastStep" = 0 where "personId" = $1`
    await opened.world.ungoverned(turnBack, [person])
    await expect(authenticators.check(person, codeNow(secret))).rejects.toMatchObject({
      code: 'ERR_STORE_TAMPERED',
    })
  })

  test('takes nobody else’s code', async () => {
    const [ada, eve] = [await withAuthenticator(), await withAuthenticator()]
    expect(await authenticators.check(ada.person, codeNow(eve.secret))).toBe(false)
    await authenticators.remove(ada.person)
    expect(await authenticators.has(ada.person)).toBe(false)
    expect(await authenticators.has(eve.person)).toBe(true)
  })
})

describe('recovery codes', () => {
  test('are ten, of 80 random bits each, and stored as hashes', async () => {
    const person = createPseudonym()
    const made = await codes.renew(person)
    expect(new Set(made).size).toBe(10)
    for (const code of made) expect(code).toMatch(/^([a-z2-7]{4}-){3}[a-z2-7]{4}$/)
    const rows = await opened
      .store('tests', ['recovery_codes'])
      .selectFrom('recovery_codes')
      .selectAll()
      .execute()
    expect(JSON.stringify(rows)).not.toContain(made[0]!.replaceAll('-', ''))
  })

  test('let their person in once each, however they are typed', async () => {
    const person = createPseudonym()
    const [first, second] = await codes.renew(person)
    expect(await codes.spend(createPseudonym(), first!)).toBe(false)
    expect(await codes.spend(person, ` ${first!.toUpperCase().replaceAll('-', ' ')} `)).toBe(true)
    expect(await codes.spend(person, first!)).toBe(false)
    expect(await codes.spend(person, second!)).toBe(true)
    expect(await codes.left(person)).toBe(8)
  })

  test('are spent by one of those who race', async () => {
    const person = createPseudonym()
    const [code] = await codes.renew(person)
    const tries = await Promise.all(Array.from({ length: 6 }, () => codes.spend(person, code!)))
    expect(tries.filter((spent) => spent)).toHaveLength(1)
  })

  test('are worthless once new ones are made', async () => {
    const person = createPseudonym()
    const [old] = await codes.renew(person)
    await codes.renew(person)
    expect(await codes.spend(person, old!)).toBe(false)
    expect(await codes.left(person)).toBe(10)
  })
})

describe('a challenge', () => {
  const given = (secret = 's'.repeat(43)) =>
    createChallenges({ store: opened.store, clock: opened.world.clock, secret, lifeMs: 60_000 })
  const text = (challenge: Uint8Array) => Buffer.from(challenge).toString('base64url')

  test('is answered once, in its time, by one of those who race', async () => {
    const challenges = given()
    const one = text(challenges.give('sign', 'ada'))
    expect(await Promise.all([challenges.take('sign', one), given().take('sign', one)])).toContain('ada')
    expect(await challenges.take('sign', one)).toBeNull()
    const raced = text(challenges.give('sign', 'ada'))
    const taken = await Promise.all(Array.from({ length: 6 }, () => given().take('sign', raced)))
    expect(taken.filter((whom) => whom !== null)).toEqual(['ada'])
    const late = text(challenges.give('sign', 'ada'))
    opened.world.clock.advance(60_000)
    expect(await challenges.take('sign', late)).toBeNull()
  })

  test('is good for its purpose only, and nobody makes one up', async () => {
    const challenges = given()
    const one = challenges.give('sign', 'ada')
    expect(await challenges.take('add', text(one))).toBeNull()
    one[20]! ^= 1
    for (const other of [text(one), '', 'AAAA', text(given('t'.repeat(43)).give('sign', 'ada'))])
      expect(await challenges.take('sign', other)).toBeNull()
  })

  test('that nobody answers leaves nothing behind', async () => {
    const rows = async () =>
      (
        await opened
          .store('tests', ['finished_sign_ins'])
          .selectFrom('finished_sign_ins')
          .select('id')
          .execute()
      ).length
    const before = await rows()
    const challenges = given()
    for (let i = 0; i < 20; i++) challenges.give('sign', 'ada')
    expect(await rows()).toBe(before)
  })
})
