import { afterEach, beforeEach, expect, it } from 'vitest'
import { asConnection, inTransaction, watchClocks } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { createPseudonym, type Clock } from '../kernel/index.ts'
import { keysMigrations, readKeyStatus, type KeyStatus } from './index.ts'
import { HOUR, SCHEDULE } from './testing/rotation-schedule.ts'
import { leapingClock, startTestKeys, type LeapingClock, type TestKeys } from './testing.ts'

let database: TestDatabase
let clock: LeapingClock
let keys: TestKeys

beforeEach(async () => {
  clock = leapingClock()
  database = await startTestDatabase({ clock, migrations: [keysMigrations] })
  keys = await startTestKeys(database)
})
afterEach(() => database?.close())

function status(seen: Clock = clock): Promise<KeyStatus> {
  const { owner } = database
  const clocks = watchClocks({ clock: seen, connection: asConnection(owner), toleranceMs: 60_000 })
  return readKeyStatus({ provider: keys.provider, owner, clock: seen, schedule: SCHEDULE, clocks })
}

it('counts keys, buckets and what is to be replaced, and never names a provider’s key', async () => {
  const tenant = createPseudonym()
  const people = Array.from({ length: 5 }, () => ({ tenant, subject: createPseudonym() }))
  await inTransaction(database.owner, (connection) => keys.tree.forWriting(connection, people))
  await inTransaction(database.owner, (connection) => keys.tree.erase(connection, people.slice(0, 2)))
  const seen = await status()
  expect(seen).toMatchObject({
    sound: true,
    dataKeys: { held: 4, erased: 2 },
    buckets: { count: 4096, dirty: 2 },
    unrecorded: 0,
  })
  for (const { id } of await keys.provider.list()) expect(JSON.stringify(seen)).not.toContain(id)
})

it('is not sound while an epoch is overdue', async () => {
  clock.leap(7 * HOUR + 61_000)
  const { sound, ladders } = await status()
  expect(sound).toBe(false)
  expect(ladders.map(({ problem }) => problem)).toEqual(['not-ended', null])
})

it('is not sound while the clocks disagree', async () => {
  const wrong = { now: () => clock.now() - 2 * HOUR, monotonic: () => clock.monotonic() }
  expect(await status(wrong)).toMatchObject({ sound: false, clocks: { agree: false } })
})

it('names keys that a crash left at the provider, and leaves them there', async () => {
  await keys.provider.create('live-2')
  expect(await status()).toMatchObject({ unrecorded: 1, sound: true })
})
