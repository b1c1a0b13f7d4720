import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { asConnection, inTransaction, type Connection } from '../database/index.ts'
import { forBatch, type KeyWrapper } from './batch-keys.ts'
import { BUCKETS, bucketOf } from './bucket-count.ts'
import {
  readBuckets,
  unwrapBucketKey,
  wrapBucketKey,
  type BucketKey,
  type BucketKeys,
  type BucketRow,
} from './bucket-keys.ts'
import { lockBuckets } from './bucket-lock.ts'
import { rewrapDataKey, type DataKeyName } from './data-key.ts'
import { holdWrappingEpoch, readEpochs, type Epoch } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { KEY_BYTES, takeKey } from './gcm.ts'
import type { KeyProvider } from './provider.ts'

/** What it takes to replace bucket keys. */
export interface ReplaceRoom {
  readonly provider: KeyProvider
  readonly owner: pg.Pool
  readonly buckets: BucketKeys
}

export interface Replaced {
  readonly buckets: number
  /** Data keys of others that were wrapped again. */
  readonly dataKeys: number
}

interface Replacement {
  readonly old: BucketKey
  readonly fresh: BucketKey
  /** The fresh key, wrapped under `epoch`. */
  readonly wrapped: Buffer
}

interface DataKeyRow extends DataKeyName {
  readonly wrapped: Buffer
}

/** Longest that a writer waits for a replacement which itself waits for somebody else. */
const LOCK_TIMEOUT = '250ms'

/**
 * Gives `chosen` buckets a new key each and wraps the data keys that are left in them under it, in
 * one transaction: before it commits nothing has changed, after it nothing is left to do. An erasure
 * that is under way is waited for or waits; a data key cannot be minted in between.
 *
 * Where the number of buckets has grown, data keys move to the bucket that their id now draws.
 *
 * Null when somebody keeps a lock: nothing was done, and nobody waited longer than a quarter second.
 *
 * @throws KeysError `ERR_KEYS_UNWRAP` for a data key that its bucket's key does not open: replacing the
 *   bucket would make sure that it never does again
 */
export async function replaceBuckets(
  room: ReplaceRoom,
  chosen: readonly number[],
  counter: Epoch,
): Promise<Replaced | null> {
  const connection = asConnection(room.owner)
  const epoch = await holdWrappingEpoch(connection)
  const rows = await readBuckets(connection, 'b.bucket = any($1::integer[])', [chosen])
  // The provider is asked before any lock is taken: it may be slow.
  const batch = forBatch(room.provider)
  const prepared = await Promise.all(rows.map((row) => prepare(batch, epoch, row)))
  const replacements = new Map(prepared.map((each) => [each.old.bucket, each]))
  try {
    return await inTransaction(room.owner, (transaction) =>
      replace(room, transaction, { replacements, epoch, counter }),
    )
  } catch (error) {
    if (isLockFailure(error)) return null
    throw error
  }
}

async function prepare(provider: KeyWrapper, epoch: Epoch, row: BucketRow): Promise<Replacement> {
  const { bucket } = row
  const generation = row.generation + 1
  const old = { bucket, generation: row.generation, key: takeKey(await unwrapBucketKey(provider, row)) }
  const bytes = randomBytes(KEY_BYTES)
  const wrapped = await wrapBucketKey(provider, epoch, { bucket, generation }, bytes)
  return { old, fresh: { bucket, generation, key: takeKey(bytes) }, wrapped }
}

interface Plan {
  readonly replacements: ReadonlyMap<number, Replacement>
  readonly epoch: Epoch
  readonly counter: Epoch
}

async function replace(room: ReplaceRoom, connection: Connection, plan: Plan): Promise<Replaced> {
  const chosen = [...plan.replacements.keys()]
  await connection.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`)
  await lockBuckets(connection, chosen, 'exclusive')
  const survivors = await lockSurvivors(connection, chosen)
  const count = await bucketCount(connection)
  const targets = await openTargets(room, connection, plan, survivors, count)
  await rewrap(connection, plan, survivors, (row) => targets.get(bucketOf(row.id, count))!)
  await storeKeys(connection, plan)
  await connection.query(
    `update surety.epoch_keys set replaced = replaced + $3, rewrapped = rewrapped + $4, wrapped = wrapped + $3
      where ladder = $1 and epoch = $2`,
    [plan.counter.ladder, plan.counter.epoch, chosen.length, survivors.length],
  )
  return { buckets: chosen.length, dataKeys: survivors.length }
}

/** In the order of ids, as erasures lock them; one that is under way is waited for, and then seen. */
function lockSurvivors(connection: Connection, buckets: readonly number[]): Promise<DataKeyRow[]> {
  return connection.query<DataKeyRow>(
    `select id, tenant, subject, bucket, wrapped from surety.data_keys
      where bucket = any($1::integer[]) and wrapped is not null order by id for no key update`,
    [buckets],
  )
}

async function bucketCount(connection: Connection): Promise<number> {
  const records = await readEpochs(connection)
  return Math.max(BUCKETS, ...records.filter(({ ladder }) => ladder === 'live').map(({ buckets }) => buckets))
}

/** The keys that survivors go under: the fresh ones, and those of the buckets that some move to. */
async function openTargets(
  room: ReplaceRoom,
  connection: Connection,
  { replacements }: Plan,
  survivors: readonly DataKeyRow[],
  count: number,
): Promise<Map<number, BucketKey>> {
  const wanted = new Set(survivors.map(({ id }) => bucketOf(id, count)))
  const elsewhere = [...wanted].filter((bucket) => !replacements.has(bucket))
  await lockBuckets(connection, elsewhere, 'shared')
  const targets = elsewhere.length > 0 ? await room.buckets.open(elsewhere) : new Map<number, BucketKey>()
  for (const [bucket, { fresh }] of replacements) targets.set(bucket, fresh)
  return targets
}

async function rewrap(
  connection: Connection,
  { replacements }: Plan,
  survivors: readonly DataKeyRow[],
  targetOf: (row: DataKeyRow) => BucketKey,
): Promise<void> {
  const moved = survivors.map((row) => {
    const to = targetOf(row)
    const wrapped = rewrapDataKey(row, row.wrapped, replacements.get(row.bucket)!.old, to)
    if (wrapped === null)
      throw new KeysError('ERR_KEYS_UNWRAP', `data key ${row.id} does not open: its bucket is not replaced`)
    return { id: row.id, bucket: to.bucket, wrapped }
  })
  await connection.query(
    `update surety.data_keys d set wrapped = moved.wrapped, bucket = moved.bucket
       from unnest($1::uuid[], $2::integer[], $3::bytea[]) as moved (id, bucket, wrapped)
      where d.id = moved.id and d.wrapped is not null`,
    [moved.map(({ id }) => id), moved.map(({ bucket }) => bucket), moved.map(({ wrapped }) => wrapped)],
  )
}

async function storeKeys(connection: Connection, { replacements, epoch }: Plan): Promise<void> {
  const held = await holdWrappingEpoch(connection)
  const fresh = [...replacements.values()]
  const stored = await connection.query(
    `update surety.bucket_keys b set generation = fresh.generation, epoch = $3, wrapped = fresh.wrapped, dirty = false
       from unnest($1::integer[], $2::integer[], $4::bytea[]) as fresh (bucket, generation, wrapped)
      where b.ladder = 'live' and b.bucket = fresh.bucket and b.generation = fresh.generation - 1 returning b.bucket`,
    [
      fresh.map(({ old }) => old.bucket),
      fresh.map((each) => each.fresh.generation),
      epoch.epoch,
      fresh.map(({ wrapped }) => wrapped),
    ],
  )
  // Another process took over meanwhile: what was prepared here is out of date.
  if (held.epoch !== epoch.epoch || stored.length !== fresh.length)
    throw new KeysError('ERR_KEYS_BUSY', 'buckets were replaced by another process')
}

/** A lock that was not to be had in time, or a deadlock that the database broke. */
export function isLockFailure(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code === '55P03' || code === '40P01'
}
