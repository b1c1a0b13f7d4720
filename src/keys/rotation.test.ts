import { beforeEach, describe, expect, it } from 'vitest'
import { asConnection, inTransaction, silentLogger, watchClocks, type Connection } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { createPseudonym } from '../kernel/index.ts'
import type { EvidenceBody } from '../verify/index.ts'
import { bucketOf } from './bucket-count.ts'
import { bucketContext, wrapBucketKey } from './bucket-keys.ts'
import { lockBuckets } from './bucket-lock.ts'
import { holdWrappingEpoch, readEpochs } from './epoch-keys.ts'
import { generationOf, unwrapDataKey } from './data-key.ts'
import { takeKey } from './gcm.ts'
import {
  createKeyRotation,
  epochStanding,
  irrecoverableSince,
  keysMigrations,
  openFileProvider,
  openKeyTree,
  type DataKey,
  type EpochSchedule,
  type KeyOwner,
  type KeyProvider,
  type KeyRotation,
  type OpenKeyTree,
  type RotationStep,
} from './index.ts'
import { leapingClock, startTestKeys, type LeapingClock, type TestKeys } from './testing.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SCHEDULE: EpochSchedule = {
  epochMs: { live: 6 * HOUR, backup: DAY },
  backupAgeMs: 24 * DAY,
  rewrapMs: HOUR / 2,
  retriesMs: HOUR / 2,
  waitMs: 0,
  clockErrorMs: 60_000,
}

let database: TestDatabase
let clock: LeapingClock
let keys: TestKeys
let tree: OpenKeyTree

beforeEach(async () => {
  clock = leapingClock()
  database = await startTestDatabase({ clock, migrations: [keysMigrations] })
  await database.owner.query('create table surety.said (seq serial, body jsonb)')
  keys = await startTestKeys(database)
  tree = keys.tree
  return () => database.close()
})

const code = (name: string): object => expect.objectContaining({ code: name }) as object
const owners = (count: number): KeyOwner[] => {
  const tenant = createPseudonym()
  return Array.from({ length: count }, () => ({ tenant, subject: createPseudonym() }))
}
const bytes = (key: DataKey): string => key.key.export().toString('hex')

const record = async (bodies: readonly EvidenceBody[], connection: Connection): Promise<void> => {
  for (const body of bodies)
    await connection.query('insert into surety.said (body) values ($1)', [JSON.stringify(body)])
}
const said = async (): Promise<EvidenceBody[]> =>
  (
    await asConnection(database.owner).query<{ body: EvidenceBody }>(
      'select body from surety.said order by seq',
    )
  ).map(({ body }) => body)

function rotation(provider: KeyProvider = keys.provider, wrong = 0): KeyRotation {
  const { owner } = database
  const seen = { ...clock, now: () => clock.now() + wrong, aheadMs: clock.aheadMs }
  const clocks = watchClocks({ clock: seen, connection: asConnection(owner), toleranceMs: 60_000 })
  return createKeyRotation({
    provider,
    owner,
    clock: seen,
    logger: silentLogger,
    schedule: SCHEDULE,
    clocks,
    record,
  })
}

/** A process of its own: nothing in memory, the same folder and database. */
async function anotherProvider(): Promise<KeyProvider> {
  return openFileProvider({ folder: keys.folder, outside: [], clock })
}
async function anotherTree(): Promise<OpenKeyTree> {
  const { owner, logger } = database
  return openKeyTree({ provider: await anotherProvider(), owner, clock, logger })
}

const asAny = <Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> =>
  inTransaction(database.app, async (connection) => {
    await connection.query(`set local surety.keys = 'any'`)
    return work(connection)
  })
const write = (who: readonly KeyOwner[], by = tree): Promise<DataKey[]> =>
  asAny((connection) => by.forWriting(connection, who))
const read = (ids: readonly string[], by = tree): Promise<Map<string, DataKey>> =>
  asAny((connection) => by.forReading(connection, ids))
const erase = (who: readonly KeyOwner[]): Promise<number> =>
  inTransaction(database.owner, (connection) => tree.erase(connection, who))
const epochs = () => readEpochs(asConnection(database.owner))

/** Many people, and the indexes of two of them who share a bucket. */
async function crowd(): Promise<{ people: KeyOwner[]; made: DataKey[]; pair: [number, number] }> {
  const people = owners(400)
  const made = await write(people)
  const seen = new Map<number, number>()
  for (const [index, { id }] of made.entries()) {
    const bucket = bucketOf(id, 4096)
    const before = seen.get(bucket)
    if (before !== undefined) return { people, made, pair: [before, index] }
    seen.set(bucket, index)
  }
  throw new TypeError('400 of 4,096 without a pair: once in 10⁸ runs')
}

interface BucketState {
  readonly bucket: number
  readonly generation: number
  readonly epoch: number
  readonly dirty: boolean
}

/** What a thief has who copied the tables: rows as they were at one moment. */
interface Copy {
  readonly buckets: {
    bucket: number
    generation: number
    epoch: number
    wrapped: Buffer
    provider_key: string
  }[]
  readonly dataKeys: { id: string; tenant: string; subject: string; bucket: number; wrapped: Buffer }[]
}
async function copyTables(): Promise<Copy> {
  const connection = asConnection(database.owner)
  return {
    buckets: await connection.query(
      'select b.*, e.provider_key from surety.bucket_keys b join surety.epoch_keys e using (ladder, epoch)',
    ),
    dataKeys: await connection.query('select * from surety.data_keys where wrapped is not null'),
  }
}

/** The bytes of a data key from stolen rows and the provider as it is now; null when nothing opens it. */
async function openFrom(
  copies: readonly Copy[],
  id: string,
  ladder: 'live' | 'backup' = 'live',
): Promise<string | null> {
  for (const row of copies.flatMap(({ dataKeys }) => dataKeys.filter((each) => each.id === id))) {
    const wraps = copies.flatMap(({ buckets }) => buckets.filter(({ bucket }) => bucket === row.bucket))
    for (const { bucket, generation, epoch, wrapped, provider_key: providerKey } of wraps) {
      const context = bucketContext(ladder, epoch, bucket, generation)
      const key = await keys.provider.unwrap(providerKey, wrapped, context).catch(() => null)
      if (key === null || generationOf(row.wrapped) !== generation) continue
      const opened = unwrapDataKey(row, row.wrapped, { bucket, generation, key: takeKey(Buffer.from(key)) })
      if (opened) return opened.export().toString('hex')
    }
  }
  return null
}

describe('the end of a live epoch', () => {
  it('leaves nothing in stolen rows and the provider that opens an erased subject', async () => {
    const people = owners(40)
    const made = await write(people)
    const before = await copyTables()
    await erase(people.slice(0, 1))
    const between = await copyTables()
    expect(await openFrom([before], made[0]!.id)).toBe(bytes(made[0]!))
    expect(await openFrom([between], made[0]!.id)).toBeNull()
    expect(await openFrom([between, before], made[0]!.id)).toBe(bytes(made[0]!))

    clock.leap(6 * HOUR)
    expect(await rotation().run()).toMatchObject({
      ran: true,
      ended: [{ ladder: 'live', epoch: 1 }],
      destroyed: [{ ladder: 'live', epoch: 1 }],
    })
    const after = await copyTables()
    for (const { id } of made) expect(await openFrom([before, between], id)).toBeNull()
    expect(await openFrom([before, between, after], made[0]!.id)).toBeNull()
    expect(await openFrom([after], made[1]!.id)).toBe(bytes(made[1]!))
    for (const by of [tree, await anotherTree()]) {
      const opened = await read(
        made.map(({ id }) => id),
        by,
      )
      expect(opened.has(made[0]!.id)).toBe(false)
      for (const key of made.slice(1)) expect(bytes(opened.get(key.id)!)).toBe(bytes(key))
    }
  })

  it('replaces dirty buckets only, and rewraps what is left in them', async () => {
    const { people, made, pair } = await crowd()
    await erase([people[pair[0]]!])
    const wrapOf = async (): Promise<Map<string, string>> =>
      new Map((await copyTables()).dataKeys.map(({ id, wrapped }) => [id, wrapped.toString('hex')]))
    const before = await wrapOf()
    clock.leap(6 * HOUR)
    await rotation().run()
    const rows = await asConnection(database.owner).query<BucketState>(
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
    expect((await said())[0]).toMatchObject({ kind: 'keys.rotated', ...counts })
  })

  it('is told in the evidence log once, with what was destroyed and on whose word', async () => {
    await write(owners(3))
    clock.leap(6 * HOUR)
    await rotation().run()
    expect(await rotation().run()).toEqual({ ran: true, ended: [], destroyed: [] })
    expect(await said()).toEqual([
      expect.objectContaining({ kind: 'keys.rotated', ladder: 'live', epoch: 1, replaced: 0, rewrapped: 0 }),
      { kind: 'keys.destroyed', ladder: 'live', epoch: 1, provider: 'file', evidence: 'attested' },
    ])
    expect((await keys.provider.list()).filter(({ state }) => state === 'destroyed')).toHaveLength(1)
  })

  it('does not come before its time, unless it is asked for', async () => {
    clock.leap(6 * HOUR - 60_000)
    expect((await rotation().run()).ended).toEqual([])
    expect((await rotation().run({ force: ['live'] })).ended).toEqual([{ ladder: 'live', epoch: 1 }])
  })
})

describe('the end of a backup epoch', () => {
  it('keeps its backups readable until the last of them expires, and never lets the next ones open what was erased', async () => {
    const people = owners(20)
    const made = await write(people)
    const provider = (epoch: number): Promise<string> =>
      epochs().then(
        (all) => all.find((each) => each.ladder === 'backup' && each.epoch === epoch)!.providerKey,
      )
    const backup = async (): Promise<Copy> => {
      const [{ dataKeys }, wraps] = [await copyTables(), await tree.backupWraps(asConnection(database.owner))]
      const buckets = await Promise.all(
        wraps.map(async (wrap) => ({ ...wrap, provider_key: await provider(wrap.epoch) })),
      )
      return { dataKeys, buckets }
    }
    const first = await backup()
    await erase(people.slice(0, 1))
    clock.leap(DAY)
    await rotation().run()
    const second = await backup()
    const [erased, kept] = [made[0]!, made[1]!]
    // Production's own wraps of that time are gone: only the backup itself opens it.
    expect(await openFrom([first], erased.id, 'live')).toBeNull()
    expect(await openFrom([first], erased.id, 'backup')).toBe(bytes(erased))
    expect(await openFrom([{ ...second, dataKeys: first.dataKeys }], erased.id, 'backup')).toBeNull()
    expect(await openFrom([second], kept.id, 'backup')).toBe(bytes(kept))

    clock.leap(23 * DAY)
    await rotation().run()
    expect(await openFrom([first], erased.id, 'backup')).toBe(bytes(erased))
    clock.leap(DAY)
    await rotation().run()
    expect(await openFrom([first, second], erased.id, 'backup')).toBeNull()
    expect(irrecoverableSince(await epochs(), 'backup', (await epochs())[0]!.startsAt)).not.toBeNull()
  })

  it('leaves no wrap of its ladder in production’s tables', async () => {
    await write(owners(5))
    await tree.backupWraps(asConnection(database.owner))
    const copied = database.owner.query(
      `insert into surety.bucket_keys select 'backup', bucket, generation, 1, wrapped, dirty from surety.bucket_keys`,
    )
    await expect(copied).rejects.toMatchObject({ constraint: 'live_only' })
  })

  it('replaces what was dirtied since the live epoch ended', async () => {
    const people = owners(10)
    const [erased] = await write(people)
    await rotation().run({ force: ['live'] })
    await erase(people.slice(0, 1))
    await rotation().run({ force: ['backup'] })
    const [row] = await asConnection(database.owner).query<{ generation: number }>(
      'select generation from surety.bucket_keys where bucket = $1',
      [bucketOf(erased!.id, 4096)],
    )
    expect(row).toEqual({ generation: 2 })
  })
})

describe('a crash', () => {
  it('after any step leaves a rotation that the next process finishes', async () => {
    const people = owners(60)
    const made = await write(people)
    const before = await copyTables()
    await erase(people.slice(0, 12))
    clock.leap(DAY)
    const crashed = new Set<string>()
    const onStep = async ({ ladder, step }: RotationStep): Promise<void> => {
      const name = `${ladder} ${step}`
      if (crashed.has(name)) return
      crashed.add(name)
      // So that the backup ladder has a bucket to replace as well.
      if (name === 'live recorded') await erase(people.slice(12, 13))
      throw new TypeError('killed')
    }
    const runOnce = async (): Promise<boolean> => {
      const run = rotation(await anotherProvider()).run({ onStep })
      return run.then(
        () => true,
        (error: Error) => error.message !== 'killed' && Promise.reject(error),
      )
    }
    while (!(await runOnce())) {
      const opened = await read(
        made.slice(13).map(({ id }) => id),
        await anotherTree(),
      )
      for (const key of made.slice(13)) expect(bytes(opened.get(key.id)!)).toBe(bytes(key))
    }
    expect([...crashed]).toEqual([
      ...['created', 'begun', 'replaced', 'rewrapped', 'ended', 'destroyed', 'recorded'].map(
        (step) => `live ${step}`,
      ),
      ...['created', 'begun', 'replaced', 'ended'].map((step) => `backup ${step}`),
    ])
    for (const { id } of made.slice(0, 12)) expect(await openFrom([before], id)).toBeNull()
    const kinds = (await said()).map((body) => `${body.kind} ${(body as { ladder: string }).ladder}`)
    expect(kinds).toEqual(['keys.rotated live', 'keys.destroyed live', 'keys.rotated backup'])
  }, 60_000)
})

describe('beside a rotation', () => {
  it('another process does nothing', async () => {
    clock.leap(6 * HOUR)
    let other: Promise<unknown> | undefined
    await rotation().run({
      onStep: ({ step }) => {
        if (step === 'begun') other = rotation().run()
      },
    })
    await expect(other).resolves.toEqual({ ran: false, ended: [], destroyed: [] })
  })

  it('keys that are minted or erased at any step are not lost, and do not survive', async () => {
    const people = owners(30)
    const made = await write(people)
    await erase(people.slice(0, 5))
    clock.leap(6 * HOUR)
    const minted: DataKey[] = []
    const erased: string[] = []
    let next = 5
    await rotation().run({
      async onStep() {
        minted.push(...(await write(owners(2), await anotherTree())))
        if (next >= 15) return
        erased.push(made[next]!.id)
        await erase([people[next++]!])
      },
    })
    const opened = await read(
      [...minted, ...made].map(({ id }) => id),
      await anotherTree(),
    )
    for (const key of [...minted, ...made.slice(next)]) expect(bytes(opened.get(key.id)!)).toBe(bytes(key))
    for (const id of erased) expect(opened.has(id)).toBe(false)
    const before = await copyTables()
    clock.leap(6 * HOUR)
    await rotation().run()
    for (const id of erased) expect(await openFrom([before], id)).toBeNull()
  })

  it('a writer that has minted and not committed keeps its keys, and others need not wait for it', async () => {
    const people = owners(20)
    let made: DataKey[] = []
    let done: Promise<unknown> | undefined
    await asAny(async (held) => {
      made = await tree.forWriting(held, people)
      await database.owner.query('update surety.bucket_keys set dirty = true')
      done = rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 500))
      const asked = performance.now()
      await asAny((other) => lockBuckets(other, [bucketOf(made[0]!.id, 4096)], 'shared'))
      expect(performance.now() - asked).toBeLessThan(10_000)
    })
    expect(await done).toMatchObject({ ended: [{ ladder: 'live', epoch: 1 }] })
    const opened = await read(
      made.map(({ id }) => id),
      await anotherTree(),
    )
    for (const key of made) expect(bytes(opened.get(key.id)!)).toBe(bytes(key))
  }, 30_000)

  it('a bucket key that is just being made under the old epoch is carried over', async () => {
    await write(owners(3))
    let done: Promise<unknown> | undefined
    const bucket = 4095
    await database.owner.query('delete from surety.bucket_keys where bucket = $1', [bucket])
    await inTransaction(database.owner, async (connection) => {
      const epoch = await holdWrappingEpoch(connection)
      done = rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 700))
      const wrapped = await wrapBucketKey(
        keys.provider,
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
    const [row] = (await copyTables()).buckets.filter((each) => each.bucket === bucket)
    const context = bucketContext('live', 2, bucket, 1)
    const key = await keys.provider.unwrap(row!.provider_key, row!.wrapped, context)
    expect(Buffer.from(key)).toEqual(Buffer.alloc(32, 7))
  }, 30_000)

  it('an erasure that is under way is waited for, and its key is not carried over', async () => {
    const { people, made, pair } = await crowd()
    const [one, other] = pair.map((index) => ({ person: people[index]!, id: made[index]!.id }))
    await erase([one!.person])
    const before = await copyTables()
    let done: Promise<unknown> | undefined
    await inTransaction(database.owner, async (connection) => {
      await tree.erase(connection, [other!.person])
      done = rotation().run({ force: ['live'] })
      await new Promise((resolve) => setTimeout(resolve, 700))
    })
    expect(await done).toMatchObject({ destroyed: [{ epoch: 1 }] })
    const copies = [before, await copyTables()]
    for (const { id } of [one!, other!]) expect(await openFrom(copies, id)).toBeNull()
  }, 30_000)
})

describe('a rotation stops before it harms', () => {
  it.each([
    ['40 days ahead', 40 * DAY],
    ['set back by ten days', -10 * DAY],
  ])('with a clock %s nothing is made and nothing destroyed', async (_, wrong) => {
    await write(owners(3))
    const before = await epochs()
    const refused = rotation(keys.provider, wrong).run({ force: ['live', 'backup'] })
    await expect(refused).rejects.toMatchObject({
      code: wrong < 0 ? 'ERR_KEYS_CLOCK' : 'ERR_DATABASE_CLOCKS',
    })
    expect(await epochs()).toEqual(before)
    expect((await keys.provider.list()).map(({ state }) => state)).toEqual(['live', 'live'])
  })

  it('with a clock that is set forward between two steps the key stays', async () => {
    await write(owners(3))
    let wrong = 0
    const { owner } = database
    const seen = { now: () => clock.now() + wrong, monotonic: () => clock.monotonic() }
    const clocks = watchClocks({ clock: seen, connection: asConnection(owner), toleranceMs: 60_000 })
    const jumping = createKeyRotation({
      provider: keys.provider,
      owner,
      clock: seen,
      logger: silentLogger,
      schedule: SCHEDULE,
      clocks,
      record,
    })
    const onStep = ({ step }: { step: string }): void => {
      if (step === 'ended') wrong = 40 * DAY
    }
    await expect(jumping.run({ force: ['live'], onStep })).rejects.toEqual(code('ERR_DATABASE_CLOCKS'))
    expect((await keys.provider.list()).every(({ state }) => state === 'live')).toBe(true)
    wrong = 0
    expect((await jumping.run()).destroyed).toEqual([{ ladder: 'live', epoch: 1 }])
  })

  it('at a data key that does not open: its bucket keeps its key', async () => {
    const people = owners(400)
    const made = await write(people)
    const [, broken] = made
    await database.owner.query(
      'update surety.data_keys set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where id = $1',
      [broken!.id],
    )
    await database.owner.query('update surety.bucket_keys set dirty = true where bucket = $1', [
      bucketOf(broken!.id, 4096),
    ])
    await expect(rotation().run({ force: ['live'] })).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
    expect((await keys.provider.list()).every(({ state }) => state === 'live')).toBe(true)
  })

  it('until the provider says that the key is gone, it does not say so either', async () => {
    const later: KeyProvider = { ...keys.provider, destroy: async () => 'scheduled' as never }
    const { destroyed } = await rotation(later).run({ force: ['live'] })
    expect(destroyed).toEqual([])
    expect((await epochs()).find(({ epoch }) => epoch === 1 && true)).toBeDefined()
    expect((await said()).map(({ kind }) => kind)).toEqual(['keys.rotated'])
    const standing = epochStanding(await epochs(), 'live', SCHEDULE, clock.now())
    expect(standing).toMatchObject({ undestroyed: 1, problem: null })
    expect(epochStanding(await epochs(), 'live', SCHEDULE, standing!.destroyBy! + 1)?.problem).toBe(
      'not-destroyed',
    )
    expect((await rotation().run()).destroyed).toEqual([{ ladder: 'live', epoch: 1 }])
  })
})

describe('more buckets', () => {
  it('take in what is rewrapped anyway, and leave the rest where it is', async () => {
    const people = owners(200)
    const made = await write(people)
    await erase(people.slice(0, 1))
    await database.owner.query(`update surety.epoch_keys set buckets = 8192 where ladder = 'live'`)
    await database.owner.query(
      `update surety.bucket_keys set dirty = true where bucket in (select bucket from surety.data_keys where id = any($1))`,
      [made.slice(0, 60).map(({ id }) => id)],
    )
    await rotation().run({ force: ['live'] })
    const rows = await asConnection(database.owner).query<{ id: string; bucket: number }>(
      'select id, bucket from surety.data_keys where wrapped is not null',
    )
    const moved = new Set(made.slice(1, 60).map(({ id }) => id))
    for (const { id, bucket } of rows) {
      if (moved.has(id)) expect(bucket).toBe(bucketOf(id, 8192))
      else expect([bucketOf(id, 4096), bucketOf(id, 8192)]).toContain(bucket)
    }
    const opened = await read(
      made.map(({ id }) => id),
      await anotherTree(),
    )
    expect(opened.size).toBe(199)
    const late = await write(owners(100), await anotherTree())
    expect((await read(late.map(({ id }) => id))).size).toBe(100)
  })
})
