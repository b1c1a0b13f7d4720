import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../../database/testing.ts'
import { manualClock, type ManualClock } from '../../kernel/index.ts'
import { identityMigrations } from '../migrations.ts'
import type { SignInAttempt, SignInGuard } from '../sign-in-guard.ts'
import { createPostgresAttempts } from './attempt-store.ts'
import { createBruteForceGuard, type GuardEvent } from './brute-force-guard.ts'
import { createKnownDevices } from './known-devices.ts'

const HOUR = 3_600_000
const SECRET = 'g'.repeat(43)
let database: TestDatabase
let clock: ManualClock
let guard: SignInGuard
let events: GuardEvent[]

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [identityMigrations] })
}, 120_000)
afterAll(() => database.close())
beforeEach(() => {
  clock = manualClock(Date.UTC(2026, 10, 1, 12))
  events = []
  const store = createPostgresAttempts(database.owner)
  guard = createBruteForceGuard({ store, clock, secret: SECRET, onEvent: (event) => events.push(event) })
})
afterEach(async () => {
  await database.owner.query('truncate surety.sign_in_counts, surety.sign_in_sightings')
})

const attemptOn = (account: string, more: Partial<SignInAttempt> = {}): SignInAttempt => ({
  account,
  address: '192.0.2.1',
  device: null,
  method: 'password',
  ...more,
})
const knownTo = (account: string): string => createKnownDevices(SECRET, clock).admit([account], null)

async function wrong(attempt: SignInAttempt): Promise<boolean> {
  const { verdict } = await guard.admit(attempt)
  if (verdict === 'go') await guard.settle(attempt, 'failed')
  return verdict === 'go'
}
async function right(attempt: SignInAttempt): Promise<boolean> {
  const { verdict } = await guard.admit(attempt)
  if (verdict === 'go') await guard.settle(attempt, 'succeeded')
  return verdict === 'go'
}
/** Wrong guesses as fast as they are taken, each attempt as `make` gives it; the number that was looked at. */
async function guesses(most: number, make: (i: number) => SignInAttempt, paceMs = 0): Promise<number> {
  let taken = 0
  for (let i = 0; i < most; i++) {
    if (await wrong(make(i))) taken += 1
    clock.advance(paceMs)
  }
  return taken
}
const elsewhere = (i: number): string => `203.0.${i % 256}.9`

describe('who goes first where many wait', () => {
  const standing = async (attempt: SignInAttempt) => {
    const answer = await guard.admit(attempt)
    await guard.settle(attempt, 'failed')
    return answer.verdict === 'go' ? answer.standing : answer.verdict
  }

  test('is a known device, then an account on which nobody failed lately', async () => {
    expect(await standing(attemptOn('ada'))).toBe('calm')
    expect(await standing(attemptOn('ada'))).toBe('stranger')
    expect(await standing(attemptOn('ada', { device: knownTo('ada') }))).toBe('known')
    expect(await standing(attemptOn('ada', { device: knownTo('eve') }))).toBe('stranger')
    clock.advance(6 * HOUR)
    expect(await standing(attemptOn('ada'))).toBe('calm')
    expect(await standing(attemptOn('new', { method: 'sign-up' }))).toBe('stranger')
  })

  test('is the same for an account that does not exist, and after a right secret', async () => {
    await right(attemptOn('ada'))
    expect(await standing(attemptOn('ada'))).toBe('calm')
    expect(await standing(attemptOn('nobody'))).toBe('calm')
  })
})

describe('guessing', () => {
  test('from one address is stopped for that address before the account is for others', async () => {
    expect(await guesses(200, () => attemptOn('ada'), 200)).toBe(6)
    expect(await right(attemptOn('ada'))).toBe(false)
    clock.advance(20_000)
    expect(await right(attemptOn('ada', { address: '198.51.100.9' }))).toBe(true)
  })

  test('from many addresses locks the account for an hour, and says so once', async () => {
    expect(await guesses(200, (i) => attemptOn('ada', { address: elsewhere(i) }), 200)).toBe(10)
    const answer = await guard.admit(attemptOn('ada', { address: '198.51.100.9' }))
    expect(answer).toMatchObject({ verdict: 'wait', code: 'ERR_IDENTITY_LOCKED' })
    expect(events).toEqual([{ kind: 'locked', method: 'password' }])
    clock.advance(HOUR)
    expect(await right(attemptOn('ada', { address: '198.51.100.9' }))).toBe(true)
  })

  test('at once counts each try before any is looked at', async () => {
    const tries = Array.from({ length: 40 }, (_, i) =>
      guard.admit(attemptOn('ada', { address: elsewhere(i) })),
    )
    const taken = (await Promise.all(tries)).filter(({ verdict }) => verdict === 'go')
    // The sixth has to wait a second: no more than that many are under way.
    expect(taken).toHaveLength(6)
  })

  test('counts on in another process, and where one died before it knew', async () => {
    await guesses(3, () => attemptOn('ada'))
    await guard.admit(attemptOn('ada'))
    const store = createPostgresAttempts(database.owner)
    const other = createBruteForceGuard({ store, clock, secret: SECRET })
    expect(await other.admit(attemptOn('ada'))).toMatchObject({ verdict: 'wait' })
  })

  test('is not made to wait longer by asking', async () => {
    await guesses(4, () => attemptOn('ada'))
    for (let i = 0; i < 50; i++) expect(await wrong(attemptOn('ada'))).toBe(false)
    clock.advance(1_000)
    expect(await right(attemptOn('ada'))).toBe(true)
  })

  test('that nobody looked at counts for nothing, and empties nothing', async () => {
    await guesses(3, () => attemptOn('ada'))
    for (let i = 0; i < 20; i++) {
      const attempt = attemptOn('ada')
      expect((await guard.admit(attempt)).verdict).toBe('go')
      await guard.settle(attempt, 'unread')
    }
    expect(await wrong(attemptOn('ada'))).toBe(true)
    expect(await wrong(attemptOn('ada'))).toBe(false)
  })

  test('is counted by the /64 of an IPv6 address, and by the /24 or /48 of a network', async () => {
    const near = (i: number) => attemptOn('ada', { address: `2001:db8:7:7::${i.toString(16)}` })
    expect(await guesses(20, near)).toBe(4)
    const mapped = attemptOn('ben', { address: '::ffff:192.0.2.1' })
    await guesses(4, () => attemptOn('ben'))
    expect(await wrong(mapped)).toBe(false)
    const inNetwork = (i: number) => attemptOn(`one-${i % 9}`, { address: `198.51.100.${i % 250}` })
    const taken = await guesses(400, (i) => ({ ...inNetwork(i), account: `of-${i % 29}-${i % 4}` }), 10)
    expect(taken).toBeLessThanOrEqual(112)
  })

  test('goes on for who has no address, by the account alone', async () => {
    expect(await guesses(50, () => attemptOn('ada', { address: null }))).toBe(6)
    expect(await wrong(attemptOn('ben', { address: null }))).toBe(true)
  })
})

describe('a right secret', () => {
  test('takes its own try back, and nothing of what others did', async () => {
    for (let i = 0; i < 60; i++) expect(await right(attemptOn(`person-${i}`))).toBe(true)
    await guesses(9, (i) => attemptOn('ada', { address: elsewhere(i) }), 9_000)
    const before = await counts()
    expect(await right(attemptOn('ada', { address: '198.51.100.9' }))).toBe(true)
    expect((await counts()).filter(({ level }) => level > 0)).toEqual(before.filter(({ level }) => level > 0))
  })

  test('of an attacker’s own account buys no further guesses', async () => {
    const taken = await guesses(300, (i) => attemptOn(`victim-${i % 9}`), 10)
    for (let i = 0; i < 10; i++) await right(attemptOn('own'))
    expect(taken).toBeLessThanOrEqual(36)
    expect(await guesses(20, (i) => attemptOn(`victim-${i % 9}`))).toBe(0)
  })
})

describe('a known device', () => {
  test('is known no more once its account forgets its devices, and others stay', async () => {
    const [device, other] = [knownTo('ada'), knownTo('ben')]
    clock.advance(1)
    await guard.forgetDevices(['ada'])
    for (const account of ['ada', 'ben'])
      expect(await guesses(100, (i) => attemptOn(account, { address: elsewhere(i) }), 200)).toBe(10)
    expect(await right(attemptOn('ada', { device }))).toBe(false)
    expect(await right(attemptOn('ben', { device: other }))).toBe(true)
    // One that signs in afterwards is known again.
    expect(await right(attemptOn('ada', { device: knownTo('ada') }))).toBe(true)
    clock.advance(179 * 24 * HOUR)
    expect(await guesses(100, (i) => attemptOn('ada', { address: elsewhere(i) }), 200)).toBe(10)
    expect(await right(attemptOn('ada', { device }))).toBe(false)
  })

  test('signs in while its account is attacked from everywhere, its own address included', async () => {
    const device = knownTo('ada')
    await guesses(300, (i) => attemptOn(`account-${i % 30}`, { address: elsewhere(i) }))
    await guesses(100, (i) => attemptOn('ada', { address: elsewhere(i) }))
    await guesses(100, () => attemptOn('ada'))
    expect(await right(attemptOn('ada'))).toBe(false)
    for (let i = 0; i < 20; i++) expect(await right(attemptOn('ada', { device }))).toBe(true)
  })

  test('has a limit of its own, and takes none of the others’', async () => {
    const device = knownTo('ada')
    expect(await guesses(100, () => attemptOn('ada', { device }), 500)).toBe(10)
    expect(await right(attemptOn('ada'))).toBe(true)
    expect(await right(attemptOn('ada', { device: knownTo('ada') }))).toBe(true)
  })

  test('is a stranger once it was forgotten; one that signs in afterwards is known', async () => {
    const [device, others] = [knownTo('ada'), knownTo('ben')]
    await guesses(100, (i) => attemptOn('ada', { address: elsewhere(i) }))
    await guesses(100, (i) => attemptOn('ben', { address: elsewhere(i) }))
    expect(await right(attemptOn('ada', { device }))).toBe(true)
    clock.advance(1)
    await guard.forgetDevices(['ada', 'person-of-ada'])
    expect(await right(attemptOn('ada', { device }))).toBe(false)
    expect(await right(attemptOn('ben', { device: others }))).toBe(true)
    expect(await right(attemptOn('ada', { device: knownTo('ada') }))).toBe(true)
    // Also when all else that was counted by then has been forgotten.
    clock.advance(48 * HOUR)
    await right(attemptOn('carol'))
    expect(await guesses(100, () => attemptOn('ada', { device }), 500)).toBe(6)
  })

  test('of another account, or one that was made up, is a stranger', async () => {
    await guesses(100, (i) => attemptOn('ada', { address: elsewhere(i) }))
    const foreign = createKnownDevices('x'.repeat(43), clock).admit(['ada'], null)
    for (const device of [knownTo('eve'), foreign, 'anything'])
      expect(await right(attemptOn('ada', { device }))).toBe(false)
  })
})

describe('attacks on many accounts', () => {
  test('from one address shut it out for strangers, and not its neighbours', async () => {
    expect(await guesses(50, (i) => attemptOn(`leaked-${i}`))).toBe(10)
    expect(events).toEqual([{ kind: 'attack', pattern: 'stuffing', scope: 'address', accounts: 10 }])
    clock.advance(HOUR - 1)
    expect(await right(attemptOn('ada'))).toBe(false)
    expect(await right(attemptOn('ada', { device: knownTo('ada') }))).toBe(true)
    expect(await right(attemptOn('ada', { address: '192.0.2.2' }))).toBe(true)
    clock.advance(1)
    expect(await right(attemptOn('ada'))).toBe(true)
  })

  test('from many places make every account take less from strangers for half an hour', async () => {
    await guesses(25, (i) => attemptOn(`sprayed-${i}`, { address: elsewhere(i) }))
    expect(events).toEqual([{ kind: 'attack', pattern: 'spraying', scope: 'installation', accounts: 25 }])
    expect(await guesses(40, (i) => attemptOn('ada', { address: elsewhere(i + 100) }))).toBe(2)
    clock.advance(HOUR)
    expect(await guesses(40, (i) => attemptOn('ben', { address: elsewhere(i + 100) }))).toBe(6)
  })

  test('are not what a busy morning looks like', async () => {
    for (let i = 0; i < 60; i++) {
      const person = attemptOn(`person-${i}`, { address: `203.0.113.${i}` })
      await wrong(person)
      expect(await right(person)).toBe(true)
    }
    expect(events).toEqual([])
  })
})

describe('what is kept', () => {
  test('names nobody, and is gone within a day', async () => {
    await guesses(60, (i) => attemptOn('ada@example.com', { address: elsewhere(i) }), 100)
    await guesses(12, (i) => attemptOn(`ben-${i}@example.com`))
    const { rows } = await database.owner.query(
      'select t::text as line from surety.sign_in_counts t union all select t::text from surety.sign_in_sightings t',
    )
    expect(rows.length).toBeGreaterThan(20)
    for (const { line } of rows as { line: string }[]) expect(line).not.toMatch(/ada|ben|example|203|192\.0/)
    clock.advance(24 * HOUR)
    await right(attemptOn('somebody', { address: '198.51.100.9' }))
    clock.advance(HOUR)
    await right(attemptOn('somebody', { address: '198.51.100.9' }))
    expect((await counts()).length).toBeLessThanOrEqual(4)
  })

  test('cannot be reached by the app’s role', async () => {
    for (const table of ['sign_in_counts', 'sign_in_sightings'])
      await expect(database.app.query(`select from surety.${table}`)).rejects.toMatchObject({ code: '42501' })
  })

  test('where it cannot be kept, nobody is let in', async () => {
    await database.owner.query('alter table surety.sign_in_counts rename to elsewhere')
    try {
      const refused = { code: 'ERR_IDENTITY_GUARD' }
      await expect(guard.admit(attemptOn('ada'))).rejects.toMatchObject(refused)
      await expect(guard.admit(attemptOn('ada', { device: knownTo('ada') }))).rejects.toMatchObject(refused)
    } finally {
      await database.owner.query('alter table surety.elsewhere rename to sign_in_counts')
    }
  })
})

async function counts(): Promise<{ key: string; level: number; counted_at: number }[]> {
  const { rows } = await database.owner.query(
    'select key, level, counted_at from surety.sign_in_counts order by key',
  )
  return rows as { key: string; level: number; counted_at: number }[]
}
