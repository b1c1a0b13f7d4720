import { beforeEach, describe, expect, it } from 'vitest'
import { asConnection, silentLogger, watchClocks } from '../database/index.ts'
import { bucketOf } from './bucket-count.ts'
import { createKeyRotation, epochStanding, type KeyProvider } from './index.ts'
import { DAY, SCHEDULE, recordSaid } from './testing/rotation-schedule.ts'
import * as world from './testing/rotation-world.ts'

beforeEach(() => world.openRotationWorld())

describe('a rotation stops before it harms', () => {
  it.each([
    ['40 days ahead', 40 * DAY],
    ['set back by ten days', -10 * DAY],
  ])('with a clock %s nothing is made and nothing destroyed', async (_, wrong) => {
    await world.write(world.owners(3))
    const before = await world.epochs()
    const refused = world.rotation(world.keys.provider, wrong).run({ force: ['live', 'backup'] })
    await expect(refused).rejects.toMatchObject({
      code: wrong < 0 ? 'ERR_KEYS_CLOCK' : 'ERR_DATABASE_CLOCKS',
    })
    expect(await world.epochs()).toEqual(before)
    expect((await world.keys.provider.list()).map(({ state }) => state)).toEqual(['live', 'live'])
  })

  it('with a clock that is set forward between two steps the key stays', async () => {
    await world.write(world.owners(3))
    let wrong = 0
    const { owner } = world.database
    const seen = { now: () => world.clock.now() + wrong, monotonic: () => world.clock.monotonic() }
    const clocks = watchClocks({ clock: seen, connection: asConnection(owner), toleranceMs: 60_000 })
    const jumping = createKeyRotation({
      provider: world.keys.provider,
      owner,
      clock: seen,
      logger: silentLogger,
      schedule: SCHEDULE,
      clocks,
      record: recordSaid,
    })
    const onStep = ({ step }: { step: string }): void => {
      if (step === 'ended') wrong = 40 * DAY
    }
    await expect(jumping.run({ force: ['live'], onStep })).rejects.toMatchObject({
      code: 'ERR_DATABASE_CLOCKS',
    })
    expect((await world.keys.provider.list()).every(({ state }) => state === 'live')).toBe(true)
    wrong = 0
    expect((await jumping.run()).destroyed).toEqual([{ ladder: 'live', epoch: 1 }])
  })

  it('at a data key that does not open: its bucket keeps its key', async () => {
    const people = world.owners(400)
    const made = await world.write(people)
    const [, broken] = made
    await world.database.owner.query(
      'update surety.data_keys set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where id = $1',
      [broken!.id],
    )
    await world.database.owner.query('update surety.bucket_keys set dirty = true where bucket = $1', [
      bucketOf(broken!.id, 4096),
    ])
    await expect(world.rotation().run({ force: ['live'] })).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
    expect((await world.keys.provider.list()).every(({ state }) => state === 'live')).toBe(true)
  })

  it('until the provider says that the key is gone, it does not say so either', async () => {
    const later: KeyProvider = { ...world.keys.provider, destroy: async () => 'scheduled' as never }
    const { destroyed } = await world.rotation(later).run({ force: ['live'] })
    expect(destroyed).toEqual([])
    expect((await world.epochs()).find(({ epoch }) => epoch === 1 && true)).toBeDefined()
    expect((await world.said()).map(({ kind }) => kind)).toEqual(['keys.rotated'])
    const standing = epochStanding(await world.epochs(), 'live', SCHEDULE, world.clock.now())
    expect(standing).toMatchObject({ undestroyed: 1, problem: null })
    expect(epochStanding(await world.epochs(), 'live', SCHEDULE, standing!.destroyBy! + 1)?.problem).toBe(
      'not-destroyed',
    )
    expect((await world.rotation().run()).destroyed).toEqual([{ ladder: 'live', epoch: 1 }])
  })
})
