import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shiftedClock, systemClock, type Clock } from '../kernel/index.ts'
import { asConnection, watchClocks, type ClockAgreement } from './index.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

const DAY = 86_400_000
let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase({ bare: true })
})
afterAll(() => database?.close())

/** The system's clock, off by what `wrong` says at the moment it is read. */
function wrongBy(wrong: () => number): Clock {
  return { now: () => systemClock.now() + wrong(), monotonic: () => systemClock.monotonic() }
}
const watch = (clock: Clock, toleranceMs = 60_000): ClockAgreement =>
  watchClocks({ clock, connection: asConnection(database.owner), toleranceMs })
const refused = expect.objectContaining({ code: 'ERR_DATABASE_CLOCKS' }) as object

describe('the clocks that a destruction rests on', () => {
  it('agree on a machine whose time is right, to within c', async () => {
    await watch(systemClock).assertAgree()
    await watch(wrongBy(() => 55_000)).assertAgree()
    await expect(watch(wrongBy(() => 65_000)).assertAgree()).rejects.toEqual(refused)
    await expect(watch(wrongBy(() => -65_000)).assertAgree()).rejects.toEqual(refused)
  })

  it.each([
    ['40 days ahead', 40 * DAY],
    ['set back by a day', -DAY],
  ])('disagree when the app’s is %s of the database’s', async (_, ms) => {
    const clocks = watch(wrongBy(() => ms))
    await expect(clocks.assertAgree()).rejects.toEqual(refused)
    expect((await clocks.compare()).databaseMs / DAY).toBeCloseTo(ms / DAY, 3)
  })

  it('disagree when the whole host’s clock is set while the process runs, until it is set right', async () => {
    let off = 0
    const clock = wrongBy(() => off)
    // Database and app read one clock: only monotonic time tells.
    const follows = { query: async () => [{ ms: clock.now() }] as never[] }
    const clocks = watchClocks({ clock, connection: follows, toleranceMs: 60_000 })
    await clocks.assertAgree()
    off = 40 * DAY
    await expect(clocks.assertAgree()).rejects.toEqual(refused)
    off = -DAY
    await expect(clocks.assertAgree()).rejects.toEqual(refused)
    off = 0
    await clocks.assertAgree()
  })

  it('agree in a demo that is ahead on purpose, and still notice a jump beside it', async () => {
    await watch(shiftedClock(27 * DAY)).assertAgree()
    let off = 0
    const clocks = watch(
      shiftedClock(
        27 * DAY,
        wrongBy(() => off),
      ),
    )
    off = DAY
    await expect(clocks.assertAgree()).rejects.toEqual(refused)
  })
})
