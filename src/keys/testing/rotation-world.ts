import {
  asConnection,
  inTransaction,
  silentLogger,
  watchClocks,
  type Connection,
} from '../../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../../database/testing.ts'
import { createPseudonym } from '../../kernel/index.ts'
import type { EvidenceBody } from '../../verify/index.ts'
import { bucketOf } from '../bucket-count.ts'
import { bucketContext } from '../bucket-keys.ts'
import { generationOf, unwrapDataKey } from '../data-key.ts'
import { readEpochs } from '../epoch-keys.ts'
import { takeKey } from '../gcm.ts'
import {
  createKeyRotation,
  keysMigrations,
  openFileProvider,
  openKeyTree,
  type DataKey,
  type KeyOwner,
  type KeyProvider,
  type KeyRotation,
  type OpenKeyTree,
} from '../index.ts'
import { recordSaid, SCHEDULE } from './rotation-schedule.ts'
import { leapingClock, startTestKeys, type LeapingClock, type TestKeys } from '../testing.ts'

export let database: TestDatabase
export let clock: LeapingClock
export let keys: TestKeys
export let tree: OpenKeyTree

/** A database, a clock that can be moved on, and an empty key tree over a file provider; returns what closes them. */
export async function openRotationWorld(): Promise<() => Promise<void>> {
  clock = leapingClock()
  database = await startTestDatabase({ clock, migrations: [keysMigrations] })
  await database.owner.query('create table surety.said (seq serial, body jsonb)')
  keys = await startTestKeys(database)
  tree = keys.tree
  return () => database.close()
}

export const owners = (count: number): KeyOwner[] => {
  const tenant = createPseudonym()
  return Array.from({ length: count }, () => ({ tenant, subject: createPseudonym() }))
}
export const bytes = (key: DataKey): string => key.key.export().toString('hex')

export const said = async (): Promise<EvidenceBody[]> =>
  (
    await asConnection(database.owner).query<{ body: EvidenceBody }>(
      'select body from surety.said order by seq',
    )
  ).map(({ body }) => body)

export function rotation(provider: KeyProvider = keys.provider, wrong = 0): KeyRotation {
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
    record: recordSaid,
  })
}

/** A process of its own: nothing in memory, the same folder and database. */
export async function anotherProvider(): Promise<KeyProvider> {
  return openFileProvider({ folder: keys.folder, outside: [], clock })
}
export async function anotherTree(): Promise<OpenKeyTree> {
  const { owner, logger } = database
  return openKeyTree({ provider: await anotherProvider(), owner, clock, logger })
}

export const asAny = <Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> =>
  inTransaction(database.app, async (connection) => {
    await connection.query(`set local surety.keys = 'any'`)
    return work(connection)
  })
export const write = (who: readonly KeyOwner[], by = tree): Promise<DataKey[]> =>
  asAny((connection) => by.forWriting(connection, who))
export const read = (ids: readonly string[], by = tree): Promise<Map<string, DataKey>> =>
  asAny((connection) => by.forReading(connection, ids))
export const erase = (who: readonly KeyOwner[]): Promise<number> =>
  inTransaction(database.owner, (connection) => tree.erase(connection, who))
export const epochs = () => readEpochs(asConnection(database.owner))

/** Many people, and the indexes of two of them who share a bucket. */
export async function crowd(): Promise<{ people: KeyOwner[]; made: DataKey[]; pair: [number, number] }> {
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

/** What a thief has who copied the tables: rows as they were at one moment. */
export interface Copy {
  readonly buckets: {
    bucket: number
    generation: number
    epoch: number
    wrapped: Buffer
    provider_key: string
  }[]
  readonly dataKeys: { id: string; tenant: string; subject: string; bucket: number; wrapped: Buffer }[]
}
export async function copyTables(): Promise<Copy> {
  const connection = asConnection(database.owner)
  return {
    buckets: await connection.query(
      'select b.*, e.provider_key from surety.bucket_keys b join surety.epoch_keys e using (ladder, epoch)',
    ),
    dataKeys: await connection.query('select * from surety.data_keys where wrapped is not null'),
  }
}

/** The bytes of a data key from stolen rows and the provider as it is now; null when nothing opens it. */
export async function openFrom(
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
