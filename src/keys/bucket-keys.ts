import { randomBytes, type KeyObject } from 'node:crypto'
import type pg from 'pg'
import { asConnection, inTransaction, type Connection } from '../database/index.ts'
import { forBatch, type KeyWrapper } from './batch-keys.ts'
import { BUCKETS } from './bucket-count.ts'
import { holdWrappingEpoch, type Epoch, type Ladder } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { frame } from './frame.ts'
import { KEY_BYTES, takeKey } from './gcm.ts'
import type { KeyProvider } from './provider.ts'

/** A bucket's key on the live ladder. `generation` counts its replacements: each gets a fresh key. */
export interface BucketKey {
  readonly bucket: number
  readonly generation: number
  readonly key: KeyObject
}

export interface BucketKeys {
  /** The keys of `buckets`, minted and committed on their own where missing. */
  open(buckets: readonly number[]): Promise<Map<number, BucketKey>>
  /** How many buckets new data keys are drawn into, as last seen: an older number does no harm. */
  count(): number
  clear(): void
}

/** A bucket's key as stored: wrapped under an epoch's key. */
export interface BucketRow {
  readonly bucket: number
  readonly generation: number
  readonly epoch: number
  readonly wrapped: Buffer
  readonly provider_key: string
  readonly dirty: boolean
}

/** Bucket keys over the owner's connections: the app role cannot see their table. */
export function createBucketKeys(provider: KeyProvider, owner: pg.Pool): BucketKeys {
  // One entry a bucket: the key of an older generation is forgotten when its bucket is read again.
  const cache = new Map<number, { readonly row: BucketRow; readonly opened: BucketKey }>()
  let count = BUCKETS

  const open = async (batch: KeyWrapper, row: BucketRow): Promise<BucketKey> => {
    const cached = cache.get(row.bucket)
    if (cached && isSameWrap(cached.row, row)) return cached.opened
    const { bucket, generation } = row
    const opened = { bucket, generation, key: takeKey(await unwrapBucketKey(batch, row)) }
    cache.set(bucket, { row, opened })
    return opened
  }

  return {
    async open(buckets) {
      const wanted = [...new Set(buckets)]
      let rows = await readCounted(owner, wanted)
      const missing = wanted.filter((bucket) => !rows.some((row) => row.bucket === bucket))
      if (missing.length > 0) {
        await mintBuckets(provider, owner, missing)
        rows = await readCounted(owner, wanted)
      }
      count = Math.max(count, rows[0]?.count ?? 0)
      const batch = forBatch(provider)
      const opened = await Promise.all(rows.map((row) => open(batch, row)))
      return new Map(opened.map((bucket) => [bucket.bucket, bucket]))
    },
    count: () => count,
    clear: () => cache.clear(),
  }
}

function isSameWrap(a: BucketRow, b: BucketRow): boolean {
  return a.generation === b.generation && a.epoch === b.epoch && a.wrapped.equals(b.wrapped)
}

const COLUMNS = 'b.bucket, b.generation, b.epoch, b.wrapped, b.dirty, e.provider_key'
const TABLES = 'surety.bucket_keys b join surety.epoch_keys e using (ladder, epoch)'

function readCounted(
  owner: pg.Pool,
  buckets: readonly number[],
): Promise<(BucketRow & { readonly count: number })[]> {
  return asConnection(owner).query(
    `select ${COLUMNS}, (select max(buckets) from surety.epoch_keys where ladder = 'live') as count
       from ${TABLES} where b.ladder = 'live' and b.bucket = any($1::integer[])`,
    [buckets],
  )
}

/** Bucket keys that `condition` chooses, in order; `$1 …` stand for `values`. */
export function readBuckets(
  connection: Connection,
  condition: string,
  values: readonly unknown[],
): Promise<BucketRow[]> {
  return connection.query(`select ${COLUMNS} from ${TABLES} where b.ladder = 'live' and ${condition}`, values)
}

/** One fresh key per bucket, committed at once; a faster process wins. */
async function mintBuckets(provider: KeyProvider, owner: pg.Pool, buckets: readonly number[]): Promise<void> {
  await inTransaction(owner, async (connection) => {
    const epoch = await holdWrappingEpoch(connection)
    const batch = forBatch(provider)
    for (const bucket of buckets.toSorted((a, b) => a - b)) {
      const key = randomBytes(KEY_BYTES)
      const wrapped = await wrapBucketKey(batch, epoch, { bucket, generation: 1 }, key)
      key.fill(0)
      await connection.query(
        `insert into surety.bucket_keys (ladder, bucket, generation, epoch, wrapped, dirty)
         values ('live', $1, 1, $2, $3, false) on conflict do nothing`,
        [bucket, epoch.epoch, wrapped],
      )
    }
  })
}

/** The bytes of a bucket's key; the caller wipes them. */
export async function unwrapBucketKey(provider: KeyWrapper, row: BucketRow): Promise<Buffer> {
  const { bucket, generation, epoch, wrapped, provider_key: providerKey } = row
  const bytes = await provider.unwrap(providerKey, wrapped, bucketContext('live', epoch, bucket, generation))
  if (bytes.length !== KEY_BYTES) throw new KeysError('ERR_KEYS_UNWRAP', `bucket key ${bucket} is malformed`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A bucket's key under an epoch's, on that epoch's ladder. */
export async function wrapBucketKey(
  provider: KeyWrapper,
  { ladder, epoch, providerKey }: Epoch,
  { bucket, generation }: Pick<BucketRow, 'bucket' | 'generation'>,
  key: Uint8Array,
): Promise<Buffer> {
  return Buffer.from(await provider.wrap(providerKey, key, bucketContext(ladder, epoch, bucket, generation)))
}

/** What a wrapped bucket key is bound to. */
export function bucketContext(ladder: Ladder, epoch: number, bucket: number, generation: number): Buffer {
  return frame('surety/bucket-key/1', ladder, String(epoch), String(bucket), String(generation))
}
