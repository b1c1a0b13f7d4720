import { beforeEach, describe, expect, it } from 'vitest'
import { inTransaction } from '../database/index.ts'
import { bucketOf } from './bucket-count.ts'
import { bucketContext, wrapBucketKey } from './bucket-keys.ts'
import { lockBuckets } from './bucket-lock.ts'
import { holdWrappingEpoch } from './epoch-keys.ts'
import { type DataKey, type RotationStep } from './index.ts'
import { HOUR, DAY } from './testing/rotation-schedule.ts'
import * as world from './testing/rotation-world.ts'

beforeEach(() => world.openRotationWorld())

describe('a crash', () => {
  it('after any step leaves a rotation that the next process finishes', async () => {
    const people = world.owners(60)
    const made = await world.write(people)
    const before = await world.copyTables()
    await world.erase(people.slice(0, 12))
    world.clock.leap(DAY)
    const crashed = new Set<string>()
    const onStep = async ({ ladder, step }: RotationStep): Promise<void> => {
      const name = `${ladder} ${step}`
      if (crashed.has(name)) return
      crashed.add(name)
      // So that the backup ladder has a bucket to replace as well.
      if (name === 'live recorded') await world.erase(people.slice(12, 13))
      throw new TypeError('killed')
    }
    const runOnce = async (): Promise<boolean> => {
      const run = world.rotation(await world.anotherProvider()).run({ onStep })
      return run.then(
        () => true,
        (error: Error) => error.message !== 'killed' && Promise.reject(error),
      )
    }
    while (!(await runOnce())) {
      const opened = await world.read(
        made.slice(13).map(({ id }) => id),
        await world.anotherTree(),
      )
      for (const key of made.slice(13)) expect(world.bytes(opened.get(key.id)!)).toBe(world.bytes(key))
    }
    expect([...crashed]).toEqual([
      ...['created', 'begun', 'replaced', 'rewrapped', 'ended', 'destroyed', 'recorded'].map(
        (step) => `live ${step}`,
      ),
      ...['created', 'begun', 'replaced', 'ended'].map((step) => `backup ${step}`),
    ])
    for (const { id } of made.slice(0, 12)) expect(await world.openFrom([before], id)).toBeNull()
    const kinds = (await world.said()).map((body) => `${body.kind} ${(body as { ladder: string }).ladder}`)
    expect(kinds).toEqual(['keys.rotated live', 'keys.destroyed live', 'keys.rotated backup'])
  })
})

describe('beside a rotation', () => {
  it('another process does nothing', async () => {
    world.clock.leap(6 * HOUR)
    let other: Promise<unknown> | undefined
    await world.rotation().run({
      onStep: ({ step }) => {
        if (step === 'begun') other = world.rotation().run()
      },
    })
    await expect(other).resolves.toEqual({ ran: false, ended: [], destroyed: [] })
  })

  it('keys that are minted or erased at any step are not lost, and do not survive', async () => {
    const people = world.owners(30)
    const made = await world.write(people)
    await world.erase(people.slice(0, 5))
    world.clock.leap(6 * HOUR)
    const minted: DataKey[] = []
    const erased: string[] = []
    let next = 5
    await world.rotation().run({
      async onStep() {
        minted.push(...(await world.write(world.owners(2), await world.anotherTree())))
        if (next >= 15) return
        erased.push(made[next]!.id)
        await world.erase([people[next++]!])
      },
    })
    const opened = await world.read(
      [...minted, ...made].map(({ id }) => id),
      await world.anotherTree(),
    )
    for (const key of [...minted, ...made.slice(next)])
      expect(world.bytes(opened.get(key.id)!)).toBe(world.bytes(key))
    for (const id of erased) expect(opened.has(id)).toBe(false)
    const before = await world.copyTables()
    world.clock.leap(6 * HOUR)
    await world.rotation().run()
    for (const id of erased) expect(await world.openFrom([before], id)).toBeNull()
  })

  it('a writer that has minted and not committed keeps its keys, and others need not wait for it', async () => {
    const people = world.owners(20)
    let made: DataKey[] = []
    let done: Promise<unknown> | undefined
    await world.asAny(async (held) => {
      made = await world.tree.forWriting(held, people)
      await world.database.owner.query('update surety.bucket_keys set dirty = true')
      done = world.rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 500))
      // Had it to wait for the writer, neither would ever end.
      await world.asAny((other) => lockBuckets(other, [bucketOf(made[0]!.id, 4096)], 'shared'))
    })
    expect(await done).toMatchObject({ ended: [{ ladder: 'live', epoch: 1 }] })
    const opened = await world.read(
      made.map(({ id }) => id),
      await world.anotherTree(),
    )
    for (const key of made) expect(world.bytes(opened.get(key.id)!)).toBe(world.bytes(key))
  })

  it('a bucket key that is just being made under the old epoch is carried over', async () => {
    await world.write(world.owners(3))
    let done: Promise<unknown> | undefined
    const bucket = 4095
    await world.database.owner.query('delete from surety.bucket_keys where bucket = $1', [bucket])
    await inTransaction(world.database.owner, async (connection) => {
      const epoch = await holdWrappingEpoch(connection)
      done = world.rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 700))
      const wrapped = await wrapBucketKey(
        world.keys.provider,
        epoch,
        { bucket, generation: 1 },
        Buffer.alloc(32, 7),
      )
      await connection.query(
        `insert into surety.bucket_keys (ladder, bucket, generation, epoch, wrapped, dirty) values ('live', $1, 1, $2, $3, false)`,
        [bucket, epoch.epoch, wrapped],
      )
    })
    await done
    const [row] = (await world.copyTables()).buckets.filter((each) => each.bucket === bucket)
    const context = bucketContext('live', 2, bucket, 1)
    const key = await world.keys.provider.unwrap(row!.provider_key, row!.wrapped, context)
    expect(Buffer.from(key)).toEqual(Buffer.alloc(32, 7))
  })

  it('an erasure that is under way is waited for, and its key is not carried over', async () => {
    const { people, made, pair } = await world.crowd()
    const [one, other] = pair.map((index) => ({ person: people[index]!, id: made[index]!.id }))
    await world.erase([one!.person])
    const before = await world.copyTables()
    let done: Promise<unknown> | undefined
    await inTransaction(world.database.owner, async (connection) => {
      await world.tree.erase(connection, [other!.person])
      done = world.rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 700))
    })
    expect(await done).toMatchObject({ destroyed: [{ epoch: 1 }] })
    const copies = [before, await world.copyTables()]
    for (const { id } of [one!, other!]) expect(await world.openFrom(copies, id)).toBeNull()
  })
})
