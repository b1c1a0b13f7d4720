import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OWASP_ARGON2, parseHash } from './passwords/argon2.ts'
import { hashSecret } from './secrets.ts'
import type { SignInGuard } from './sign-in-guard.ts'
import {
  CLIENT,
  GOOD_PASSWORD,
  openTestIdentity,
  OTHER_PASSWORD,
  requestWith,
  type TestIdentity,
} from './testing.ts'

let opened: TestIdentity
beforeAll(async () => {
  opened = await openTestIdentity()
}, 120_000)
afterAll(() => opened.close())

let count = 0
async function newPerson(identity = opened.identity): Promise<string> {
  const email = `someone-${++count}@example.com`
  await identity.passwords.signUp({ email, name: 'Ada', password: GOOD_PASSWORD })
  return email
}
const signIn = (email: string, password = GOOD_PASSWORD, identity = opened.identity) =>
  identity.passwords.signIn({ email, password }, CLIENT)
const refused = { code: 'ERR_IDENTITY_CREDENTIALS' }
const hashes = async (): Promise<string[]> => {
  const rows = await opened
    .store('tests', ['credentials'])
    .selectFrom('credentials')
    .select('password')
    .execute()
  return rows.map(({ password }) => password!)
}

describe('somebody with a password', () => {
  test('signs up, signs in, and is who they are', async () => {
    const token = await signIn(await newPerson())
    const signedIn = await opened.identity.signedIn(requestWith(opened.identity, token))
    expect(signedIn).toMatchObject({ methods: ['password'], authenticatedAt: expect.any(Number) })
    expect(Math.abs(signedIn!.authenticatedAt - opened.world.clock.now())).toBeLessThan(5_000)
    const session = await opened.identity.session(requestWith(opened.identity, token))
    expect(session).toMatchObject({
      personId: signedIn!.personId,
      address: '192.0.2.7',
      userAgent: 'Testing/1.0',
    })
  })

  test('is the same person in any spelling of their address', async () => {
    const email = await newPerson()
    await signIn(` ${email.toUpperCase()} `)
    await signIn(email.replace('example.com', 'EXAMPLE。com'))
  })

  test('is refused with another password, and nobody learns whether the account exists', async () => {
    const email = await newPerson()
    const wrong = await signIn(email, OTHER_PASSWORD).catch((error: Error) => error)
    const unknown = await signIn('nobody@example.com', OTHER_PASSWORD).catch((error: Error) => error)
    expect(wrong).toMatchObject(refused)
    expect(String(unknown)).toBe(String(wrong))
  })

  test('is refused a password of a million characters before anything is counted, looked up or hashed', async () => {
    const email = await newPerson()
    const unasked = () => Promise.reject(new Error('asked'))
    const guard: SignInGuard = { admit: unasked, settle: unasked, forgetDevices: unasked }
    const guarded = opened.reopen({ guard })
    await expect(signIn(email, 'x'.repeat(1_000_000), guarded)).rejects.toMatchObject(refused)
    await expect(signIn(email, GOOD_PASSWORD, guarded)).rejects.toThrow('asked')
    await expect(
      opened.identity.passwords.signUp({
        email: 'new@example.com',
        name: 'x',
        password: 'x'.repeat(1_000_000),
      }),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_PASSWORD_LENGTH' })
  })

  test('signs up twice without harm to the first account, and is told the same', async () => {
    const email = await newPerson()
    await opened.identity.passwords.signUp({ email, name: 'Eve', password: OTHER_PASSWORD })
    await expect(signIn(email, OTHER_PASSWORD)).rejects.toMatchObject(refused)
    await signIn(email)
  })

  test('has one account when two sign-ups race', async () => {
    const email = 'race@example.com'
    const given = [GOOD_PASSWORD, OTHER_PASSWORD]
    await Promise.all(
      given.map((password) => opened.identity.passwords.signUp({ email, name: 'Ada', password })),
    )
    const tries = await Promise.allSettled(given.map((password) => signIn(email, password)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('is told so when the sign-up could not be stored', async () => {
    const failing = opened.reopen({
      store: (task, tables) => {
        if (task === 'better-auth') return opened.store(task, tables.slice(0, 1))
        return opened.store(task, tables)
      },
    })
    const given = { email: 'unstored@example.com', name: 'Ada', password: GOOD_PASSWORD }
    await expect(failing.passwords.signUp(given)).rejects.toThrow()
    await expect(signIn(given.email)).rejects.toMatchObject(refused)
  })

  test('may not sign in while the account is disabled', async () => {
    const email = await newPerson()
    const db = opened.store('tests', ['accounts'])
    await db
      .updateTable('accounts')
      .set({ disabledAt: new Date(0) })
      .where('email', '=', email)
      .execute()
    await expect(signIn(email)).rejects.toMatchObject(refused)
  })

  test('gets a stronger hash at the next sign-in after the parameters have grown', async () => {
    const email = await newPerson()
    const before = await hashes()
    const grown = opened.reopen({ argon2: { memoryKib: 128, passes: 2, lanes: 1 } })
    await signIn(email, GOOD_PASSWORD, grown)
    const fresh = (await hashes()).filter((hash) => !before.includes(hash))
    expect(fresh.map(parseHash)).toEqual([expect.objectContaining({ memoryKib: 128, passes: 2 })])
    await signIn(email, GOOD_PASSWORD, grown)
    expect(await hashes()).toEqual(expect.arrayContaining(fresh))
  })

  test('changes it: the old one is refused', async () => {
    const email = await newPerson()
    const session = await opened.identity.sessions.find(await signIn(email))
    const { passwords } = opened.identity
    await expect(passwords.change(session!.personId, 'password')).rejects.toMatchObject({
      code: 'ERR_IDENTITY_PASSWORD_BREACHED',
    })
    expect(await passwords.confirm(session!.personId, GOOD_PASSWORD, CLIENT)).toBe(true)
    await passwords.change(session!.personId, OTHER_PASSWORD)
    expect(await passwords.confirm(session!.personId, GOOD_PASSWORD, CLIENT)).toBe(false)
    await expect(signIn(email)).rejects.toMatchObject(refused)
    await signIn(email, OTHER_PASSWORD)
  })
})

describe('whoever guesses', () => {
  test('meets the guard before a password is looked at, and it learns how that went', async () => {
    const seen: unknown[] = []
    let verdict: Awaited<ReturnType<SignInGuard['admit']>> = { verdict: 'go' }
    const guard: SignInGuard = {
      admit: async ({ account, address, method }) => {
        seen.push(['admit', account, address, method])
        return verdict
      },
      settle: async (_attempt, outcome) => void seen.push(outcome),
      forgetDevices: async () => {},
    }
    const guarded = opened.reopen({ guard })
    const email = await newPerson()
    await signIn(email, GOOD_PASSWORD, guarded)
    await expect(signIn(email, OTHER_PASSWORD, guarded)).rejects.toMatchObject(refused)
    verdict = { verdict: 'wait', retryAfterMs: 1_500, code: 'ERR_IDENTITY_LOCKED' }
    await expect(signIn(email, GOOD_PASSWORD, guarded)).rejects.toMatchObject({ code: 'ERR_IDENTITY_LOCKED' })
    const admitted = ['admit', email, '192.0.2.7', 'password']
    expect(seen).toEqual([admitted, 'succeeded', admitted, 'failed', admitted])
  })

  test('cannot tell an unknown address from a wrong password by the time', async () => {
    // At OWASP's cost, so that the hash outweighs what a loaded machine adds.
    const slow = opened.reopen({ argon2: OWASP_ARGON2 })
    const email = 'timing@example.com'
    await slow.passwords.signUp({ email, name: 'Ada', password: GOOD_PASSWORD })
    const times = { known: [] as number[], unknown: [] as number[] }
    for (let round = 0; round < 15; round++) {
      for (const [kind, address] of [
        ['known', email],
        ['unknown', `nobody-${round}@example.com`],
      ] as const) {
        const started = performance.now()
        await signIn(address, OTHER_PASSWORD, slow).catch(() => {})
        times[kind].push(performance.now() - started)
      }
    }
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
    const ratio = median(times.unknown) / median(times.known)
    // Without a hash for nobody it would be a tenth.
    expect(ratio, `median of unknown against known: ${ratio}`).toBeGreaterThan(0.6)
    expect(ratio).toBeLessThan(1.6)
  })
})

describe('a session', () => {
  const personOf = async (token: string) => (await opened.identity.sessions.find(token))!.personId

  test('is stored as the hash of its token only', async () => {
    const token = await signIn(await newPerson())
    const rows = await opened
      .store('tests', ['sign_in_sessions'])
      .selectFrom('sign_in_sessions')
      .selectAll()
      .execute()
    expect(rows.map((row) => row.token)).toContain(hashSecret(token))
    expect(JSON.stringify(rows)).not.toContain(token)
    expect(await opened.identity.sessions.find(hashSecret(token))).toBeNull()
  })

  test('ends when it is not used, and lives on when it is', async () => {
    const { identity, world } = opened
    const [used, unused] = [await signIn(await newPerson()), await signIn(await newPerson())]
    for (let hours = 0; hours < 9; hours += 3) {
      world.clock.advance(3 * 3_600_000)
      expect(await identity.sessions.find(used)).not.toBeNull()
    }
    expect(await identity.sessions.find(unused)).toBeNull()
  })

  test('ends in any case after its greatest age', async () => {
    const { identity, world } = opened
    const token = await signIn(await newPerson())
    for (let hours = 0; hours < 7 * 24 - 4; hours += 4) {
      world.clock.advance(4 * 3_600_000)
      expect(await identity.sessions.find(token)).not.toBeNull()
    }
    world.clock.advance(4 * 3_600_000)
    expect(await identity.sessions.find(token)).toBeNull()
  })

  test('is rotated: the token that somebody else may have planted is worthless', async () => {
    const { sessions } = opened.identity
    const planted = await signIn(await newPerson())
    const fresh = await sessions.rotate(planted, { methods: ['password', 'totp'] })
    expect(await sessions.find(planted)).toBeNull()
    expect(await sessions.find(fresh!)).toMatchObject({ methods: ['password', 'totp'] })
    const raced = await Promise.all(Array.from({ length: 8 }, () => sessions.rotate(fresh!, {})))
    expect(raced.filter((token) => token !== null)).toHaveLength(1)
  })

  test('is listed to its person, who ends one or all others', async () => {
    const { sessions } = opened.identity
    const email = await newPerson()
    const tokens = [await signIn(email), await signIn(email), await signIn(email)]
    const stranger = await signIn(await newPerson())
    const person = await personOf(tokens[0]!)
    const [first, second] = (await Promise.all(tokens.map((token) => sessions.find(token)))) as {
      id: string
    }[]
    expect(await sessions.list(person)).toHaveLength(3)
    expect(await sessions.endById(await personOf(stranger), second!.id)).toBe(false)
    expect(await sessions.endById(person, second!.id)).toBe(true)
    expect(await sessions.endAll(person, first!.id)).toBe(1)
    expect((await sessions.list(person)).map(({ id }) => id)).toEqual([first!.id])
    expect(await sessions.find(stranger)).not.toBeNull()
    await sessions.end(tokens[0]!)
    expect(await sessions.list(person)).toEqual([])
  })

  test('counts for nobody while it waits for a second factor, or lacks the one that a role demands', async () => {
    const { identity } = opened
    const person = await personOf(await signIn(await newPerson()))
    const common = { personId: person, address: null, userAgent: null }
    const waiting = await identity.sessions.open({ ...common, methods: ['password'], pending: true })
    expect(await identity.signedIn(requestWith(identity, waiting))).toBeNull()
    expect(await identity.session(requestWith(identity, waiting))).toMatchObject({ pending: true })
    const strict = opened.reopen({ requiresSecondFactor: async () => true })
    const one = await identity.sessions.open({ ...common, methods: ['password'], pending: false })
    const two = await identity.sessions.open({ ...common, methods: ['password', 'totp'], pending: false })
    expect(await strict.signedIn(requestWith(strict, one))).toBeNull()
    expect(await strict.signedIn(requestWith(strict, two))).toMatchObject({ personId: person })
  })
})
