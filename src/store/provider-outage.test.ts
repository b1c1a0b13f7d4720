import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { failingLine } from '../keys/testing/failing-line.ts'
import { heartbeatOf, openTestStore, user, type TestStore } from './testing.ts'

const TIMEOUT_MS = 3_000
const OUTAGE_MS = 3_600_000
const UNAVAILABLE = { code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' }
const line = failingLine()
let world: TestStore
let known: Principal

beforeAll(async () => {
  world = await openTestStore({
    line: (provider) => line.to(provider),
    outage: { timeoutMs: TIMEOUT_MS, outageMs: OUTAGE_MS },
  })
})
afterAll(() => world?.close())
beforeEach(async () => {
  line.state = 'works'
  world.clock.advance(2_000)
  known = user(createPseudonym())
  // Also what ends the outage of the test before: the provider answers again, nobody restarts anything.
  await comesBack(() => insert(known))
})

/** Tries, as time goes on, until it works: what hung may first have to run into its time limit. */
async function comesBack(work: () => Promise<unknown>): Promise<void> {
  const works = (): Promise<boolean> =>
    work().then(
      () => true,
      () => false,
    )
  await expect
    .poll(
      () => {
        world.clock.advance(2_000)
        return works()
      },
      { timeout: 10 * TIMEOUT_MS },
    )
    .toBe(true)
}

const insert = (person: Principal): Promise<unknown> =>
  world.store
    .as(person)
    .db.insertInto('heartbeats')
    .values(heartbeatOf(person, { entity: 'secret.ts' }))
    .execute()
const read = (person: Principal): Promise<{ entity: string }[]> =>
  world.store.as(person).db.selectFrom('heartbeats').select('entity').execute()
async function storedRows(): Promise<number> {
  const { rows } = await world.ungoverned<{ count: number }>(
    'select count(*)::int as count from app.heartbeats',
  )
  return rows[0]!.count
}
/** People whose keys need the provider: with 4,096 buckets hardly one of these hits an open one. */
const strangers = (): Principal[] => Array.from({ length: 5 }, () => user(createPseudonym()))

describe.each(['hangs', 'refuses'] as const)('while the key provider %s', (state) => {
  it('a write that needs it is refused in time, and nothing is stored', async () => {
    const before = await storedRows()
    line.state = state
    const started = performance.now()
    const outcomes = await Promise.allSettled(strangers().map(insert))
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS * 4 + 15_000)
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
    expect(await storedRows()).toBe(before)
    const { rows } = await world.ungoverned<{ count: number }>(
      `select count(*)::int as count from app.heartbeats where _envelope is null`,
    )
    expect(rows[0]!.count).toBe(0)
  })

  it('people whose keys are open read and write on', async () => {
    line.state = state
    world.clock.advance(OUTAGE_MS - 60_000)
    expect(await read(known)).not.toHaveLength(0)
    await insert(known)
  })

  it('reads and writes end with the declared time, and come back by themselves', async () => {
    line.state = state
    world.clock.advance(OUTAGE_MS)
    const before = await storedRows()
    await expect(read(known)).rejects.toMatchObject(UNAVAILABLE)
    await expect(insert(known)).rejects.toMatchObject(UNAVAILABLE)
    expect(await storedRows()).toBe(before)
    line.state = 'works'
    await comesBack(() => read(known))
    expect(await read(known)).not.toHaveLength(0)
  })
})
