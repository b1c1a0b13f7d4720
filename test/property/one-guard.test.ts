import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROLES } from './people.ts'
import { SEED, tellSeed } from './seed.ts'
import { Mismatch, sweep, type SweepOptions } from './sweep.ts'
import { openWorld, withoutRowSecurity, type World } from './world.ts'

/** Cases for each guard alone: other ones than with both. */
const CASES = 3_000
const FIRST = 1_000_000
/** Within how many cases a planted fault has to be found. */
const SOON = 400
const LONG_MS = 600_000

/** What the sweep said; null where store and reference agreed. */
async function mismatchOf(world: World, options: Partial<SweepOptions>): Promise<string | null> {
  try {
    await sweep(world, { seed: SEED, cases: SOON, ...options })
    return null
  } catch (error) {
    if (error instanceof Mismatch) return error.message
    throw error
  }
}

let world: World
beforeAll(async () => {
  world = await openWorld()
  tellSeed()
}, LONG_MS)
afterAll(() => world.close())
vi.setConfig({ testTimeout: LONG_MS })

describe('with row-level security alone', () => {
  test(`${CASES} statements bring exactly what the reference allows`, async () => {
    const swept = await sweep(world, { seed: SEED, first: FIRST, cases: CASES, predicates: false })
    expect(swept.cases).toBe(CASES)
    expect(swept.rows).toBeGreaterThan(2 * CASES)
  })

  /** One policy is opened at a time; the predicates, which would hide it, are left out. */
  const planted = [
    ['surety_read', 'heartbeats'],
    ['surety_read', 'teams'],
    ['surety_update', 'heartbeats'],
    ['surety_delete', 'heartbeats'],
  ]
  test.each(planted)('the policy %s, opened on %s, is found within few cases', async (policy, table) => {
    const { owner } = world.context.database
    const { rows } = await owner.query<{ qual: string }>(
      'select qual from pg_policies where schemaname = $1 and tablename = $2 and policyname = $3',
      ['app', table, policy],
    )
    await owner.query(`alter policy ${policy} on app.${table} using (true)`)
    try {
      expect(await mismatchOf(world, { predicates: false, cases: 8 * SOON })).toContain('differs')
    } finally {
      await owner.query(`alter policy ${policy} on app.${table} using (${rows[0]!.qual})`)
    }
  })
})

describe('faults that a reference must find, whatever the guards', () => {
  test('a store that refuses everything', async () => {
    expect(await mismatchOf(world, { roles: {} })).toContain('ERR_STORE_FORBIDDEN')
  })

  test.each([
    ['a role that reads more than it should', { member: [...ROLES.member.slice(1), 'heartbeats:*:tenant'] }],
    ['a role that reads less than it should', { mentor: ['heartbeats:*:own', 'teams:read:tenant'] }],
    ['a role that deletes more than it should', { mentor: [...ROLES.mentor, 'heartbeats:delete:tenant'] }],
  ])('%s', async (_what, changed) => {
    const roles = { ...ROLES, ...changed } as unknown as NonNullable<SweepOptions['roles']>
    expect(await mismatchOf(world, { roles, cases: 5 * SOON })).toContain('differs')
  })

  test('a failure tells what replays it, and only that case runs then', async () => {
    const message = await mismatchOf(world, { roles: {} })
    const [, seed, number] = /npm run sweep -- --seed (\d+) --case (\d+)/.exec(message ?? '') ?? []
    expect(Number(seed)).toBe(SEED)
    const again = await mismatchOf(world, { roles: {}, first: Number(number), cases: 1 })
    expect(again?.split('\n')[0]).toBe(message?.split('\n')[0])
    expect(await mismatchOf(world, { first: Number(number), cases: 1 })).toBeNull()
  })
})

describe('with the predicates alone', () => {
  let open: World
  beforeAll(async () => {
    open = await withoutRowSecurity(await openWorld())
  })
  afterAll(() => open.close())

  test(`${CASES} statements bring exactly what the reference allows`, async () => {
    const swept = await sweep(open, { seed: SEED, first: FIRST + CASES, cases: CASES })
    expect(swept.cases).toBe(CASES)
    expect(swept.rows).toBeGreaterThan(2 * CASES)
  })

  test('without them too, a foreign row is found within few cases', async () => {
    expect(await mismatchOf(open, { predicates: false, cases: 40 })).toContain('differs')
  })
})
