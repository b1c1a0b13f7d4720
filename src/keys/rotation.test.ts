import { beforeEach, describe, expect, it } from 'vitest'
import { asConnection } from '../database/index.ts'
import { bucketOf } from './bucket-count.ts'
import { irrecoverableSince } from './index.ts'
import { HOUR, DAY } from './testing/rotation-schedule.ts'
import * as world from './testing/rotation-world.ts'
import type { Copy } from './testing/rotation-world.ts'

beforeEach(() => world.openRotationWorld())

interface BucketState {
  readonly bucket: number
  readonly generation: number
  readonly epoch: number
  readonly dirty: boolean
}

describe('the end of a live epoch', () => {
  it('leaves nothing in stolen rows and the provider that opens an erased subject', async () => {
    const people = world.owners(40)
    const made = await world.write(people)
    const before = await world.copyTables()
    await world.erase(people.slice(0, 1))
    const between = await world.copyTables()
    expect(await world.openFrom([before], made[0]!.id)).toBe(world.bytes(made[0]!))
    expect(await world.openFrom([between], made[0]!.id)).toBeNull()
    expect(await world.openFrom([between, before], made[0]!.id)).toBe(world.bytes(made[0]!))

    world.clock.leap(6 * HOUR)
    expect(await world.rotation().run()).toMatchObject({
      ran: true,
      ended: [{ ladder: 'live', epoch: 1 }],
      destroyed: [{ ladder: 'live', epoch: 1 }],
    })
    const after = await world.copyTables()
    for (const { id } of made) expect(await world.openFrom([before, between], id)).toBeNull()
    expect(await world.openFrom([before, between, after], made[0]!.id)).toBeNull()
    expect(await world.openFrom([after], made[1]!.id)).toBe(world.bytes(made[1]!))
    for (const by of [world.tree, await world.anotherTree()]) {
      const opened = await world.read(
        made.map(({ id }) => id),
        by,
      )
      expect(opened.has(made[0]!.id)).toBe(false)
      for (const key of made.slice(1)) expect(world.bytes(opened.get(key.id)!)).toBe(world.bytes(key))
    }
  })

  it('replaces dirty buckets only, and rewraps what is left in them', async () => {
    const { people, made, pair } = await world.crowd()
    await world.erase([people[pair[0]]!])
    const wrapOf = async (): Promise<Map<string, string>> =>
      new Map((await world.copyTables()).dataKeys.map(({ id, wrapped }) => [id, wrapped.toString('hex')]))
    const before = await wrapOf()
    world.clock.leap(6 * HOUR)
    await world.rotation().run()
    const rows = await asConnection(world.database.owner).query<BucketState>(
      'select bucket, generation, epoch, dirty from surety.bucket_keys',
    )
    const dirty = bucketOf(made[pair[0]]!.id, 4096)
    expect(rows.filter(({ generation }) => generation === 2).map(({ bucket }) => bucket)).toEqual([dirty])
    expect(rows.every((row) => row.epoch === 2 && !row.dirty)).toBe(true)
    const inBucket = made.filter(({ id }) => bucketOf(id, 4096) === dirty && id !== made[pair[0]]!.id)
    const after = await wrapOf()
    const changed = [...after].filter(([id, wrapped]) => before.get(id) !== wrapped).map(([id]) => id)
    expect(changed.toSorted()).toEqual(inBucket.map(({ id }) => id).toSorted())
    const counts = { buckets: rows.length, replaced: 1, rewrapped: inBucket.length }
    expect((await world.said())[0]).toMatchObject({ kind: 'keys.rotated', ...counts })
  })

  it('is told in the evidence log once, with what was destroyed and on whose word', async () => {
    await world.write(world.owners(3))
    world.clock.leap(6 * HOUR)
    await world.rotation().run()
    expect(await world.rotation().run()).toEqual({ ran: true, ended: [], destroyed: [] })
    expect(await world.said()).toEqual([
      expect.objectContaining({ kind: 'keys.rotated', ladder: 'live', epoch: 1, replaced: 0, rewrapped: 0 }),
      { kind: 'keys.destroyed', ladder: 'live', epoch: 1, provider: 'file', evidence: 'attested' },
    ])
    expect((await world.keys.provider.list()).filter(({ state }) => state === 'destroyed')).toHaveLength(1)
  })

  it('does not come before its time, unless it is asked for', async () => {
    world.clock.leap(6 * HOUR - 60_000)
    expect((await world.rotation().run()).ended).toEqual([])
    expect((await world.rotation().run({ force: ['live'] })).ended).toEqual([{ ladder: 'live', epoch: 1 }])
  })
})

describe('the end of a backup epoch', () => {
  it('keeps its backups readable until the last of them expires, and never lets the next ones open what was erased', async () => {
    const people = world.owners(20)
    const made = await world.write(people)
    const provider = (epoch: number): Promise<string> =>
      world
        .epochs()
        .then((all) => all.find((each) => each.ladder === 'backup' && each.epoch === epoch)!.providerKey)
    const backup = async (): Promise<Copy> => {
      const [{ dataKeys }, wraps] = [
        await world.copyTables(),
        await world.tree.backupWraps(asConnection(world.database.owner)),
      ]
      const buckets = await Promise.all(
        wraps.map(async (wrap) => ({ ...wrap, provider_key: await provider(wrap.epoch) })),
      )
      return { dataKeys, buckets }
    }
    const first = await backup()
    await world.erase(people.slice(0, 1))
    world.clock.leap(DAY)
    await world.rotation().run()
    const second = await backup()
    const [erased, kept] = [made[0]!, made[1]!]
    // Production's own wraps of that time are gone: only the backup itself opens it.
    expect(await world.openFrom([first], erased.id, 'live')).toBeNull()
    expect(await world.openFrom([first], erased.id, 'backup')).toBe(world.bytes(erased))
    expect(await world.openFrom([{ ...second, dataKeys: first.dataKeys }], erased.id, 'backup')).toBeNull()
    expect(await world.openFrom([second], kept.id, 'backup')).toBe(world.bytes(kept))

    world.clock.leap(23 * DAY)
    await world.rotation().run()
    expect(await world.openFrom([first], erased.id, 'backup')).toBe(world.bytes(erased))
    world.clock.leap(DAY)
    await world.rotation().run()
    expect(await world.openFrom([first, second], erased.id, 'backup')).toBeNull()
    expect(
      irrecoverableSince(await world.epochs(), 'backup', (await world.epochs())[0]!.startsAt),
    ).not.toBeNull()
  })

  it('leaves no wrap of its ladder in production’s tables', async () => {
    await world.write(world.owners(5))
    await world.tree.backupWraps(asConnection(world.database.owner))
    const copied = world.database.owner.query(
      `insert into surety.bucket_keys select 'backup', bucket, generation, 1, wrapped, dirty from surety.bucket_keys`,
    )
    await expect(copied).rejects.toMatchObject({ constraint: 'live_only' })
  })

  it('replaces what was dirtied since the live epoch ended', async () => {
    const people = world.owners(10)
    const [erased] = await world.write(people)
    await world.rotation().run({ force: ['live'] })
    await world.erase(people.slice(0, 1))
    await world.rotation().run({ force: ['backup'] })
    const [row] = await asConnection(world.database.owner).query<{ generation: number }>(
      'select generation from surety.bucket_keys where bucket = $1',
      [bucketOf(erased!.id, 4096)],
    )
    expect(row).toEqual({ generation: 2 })
  })
})

describe('more buckets', () => {
  it('take in what is rewrapped anyway, and leave the rest where it is', async () => {
    const people = world.owners(200)
    const made = await world.write(people)
    await world.erase(people.slice(0, 1))
    await world.database.owner.query(`update surety.epoch_keys set buckets = 8192 where ladder = 'live'`)
    await world.database.owner.query(
      `update surety.bucket_keys set dirty = true where bucket in (select bucket from surety.data_keys where id = any($1))`,
      [made.slice(0, 60).map(({ id }) => id)],
    )
    await world.rotation().run({ force: ['live'] })
    const rows = await asConnection(world.database.owner).query<{ id: string; bucket: number }>(
      'select id, bucket from surety.data_keys where wrapped is not null',
    )
    const moved = new Set(made.slice(1, 60).map(({ id }) => id))
    for (const { id, bucket } of rows) {
      if (moved.has(id)) expect(bucket).toBe(bucketOf(id, 8192))
      else expect([bucketOf(id, 4096), bucketOf(id, 8192)]).toContain(bucket)
    }
    const opened = await world.read(
      made.map(({ id }) => id),
      await world.anotherTree(),
    )
    expect(opened.size).toBe(199)
    const late = await world.write(world.owners(100), await world.anotherTree())
    expect((await world.read(late.map(({ id }) => id))).size).toBe(100)
  })
})
