import { randomBytes, type KeyObject } from 'node:crypto'
import type pg from 'pg'
import { asConnection, inTransaction } from '../database/index.ts'
import { currentEpochs, type Epoch, type Ladder } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { frame } from './frame.ts'
import { KEY_BYTES, takeKey } from './gcm.ts'
import { createKeyCache } from './key-cache.ts'
import type { KeyProvider } from './provider.ts'

/** Buckets at first; a multiple of it later, as subjects grow. */
export const BUCKETS = 4096

/** A bucket's key on the live ladder. `generation` counts its replacements: each gets a fresh key. */
export interface BucketKey {
  readonly bucket: number
  readonly generation: number
  readonly key: KeyObject
}

export interface BucketKeys {
  /** The keys of `buckets`, minted and committed on their own where missing. */
  open(buckets: readonly number[]): Promise<Map<number, BucketKey>>
  clear(): void
}

interface BucketRow {
  readonly bucket: number
  readonly generation: number
  readonly epoch: number
  readonly wrapped: Buffer
  readonly provider_key: string
}

/** Bucket keys over the owner's connections: the app role cannot see their table. */
export function createBucketKeys(provider: KeyProvider, owner: pg.Pool): BucketKeys {
  const cache = createKeyCache(BUCKETS * 2)

  const unwrap = async (row: BucketRow): Promise<BucketKey> => {
    const { bucket, generation } = row
    const where = `${bucket}/${generation}/${row.epoch}`
    const cached = cache.get(where, row.wrapped)
    if (cached) return { bucket, generation, key: cached }
    const bytes = await provider.unwrap(
      row.provider_key,
      row.wrapped,
      bucketContext('live', row.epoch, bucket, generation),
    )
    if (bytes.length !== KEY_BYTES)
      throw new KeysError('ERR_KEYS_UNWRAP', `bucket key ${bucket} is malformed`)
    const key = takeKey(Buffer.from(bytes))
    bytes.fill(0)
    cache.set(where, row.wrapped, key)
    return { bucket, generation, key }
  }

  return {
    async open(buckets) {
      const wanted = [...new Set(buckets)]
      let rows = await readBuckets(owner, wanted)
      const missing = wanted.filter((bucket) => !rows.some((row) => row.bucket === bucket))
      if (missing.length > 0) {
        await mintBuckets(provider, owner, missing)
        rows = await readBuckets(owner, wanted)
      }
      const opened = await Promise.all(rows.map(unwrap))
      return new Map(opened.map((bucket) => [bucket.bucket, bucket]))
    },
    clear: () => cache.clear(),
  }
}

async function readBuckets(owner: pg.Pool, buckets: readonly number[]): Promise<BucketRow[]> {
  return asConnection(owner).query<BucketRow>(
    `select b.bucket, b.generation, b.epoch, b.wrapped, e.provider_key
       from surety.bucket_keys b join surety.epoch_keys e using (ladder, epoch)
      where b.ladder = 'live' and b.bucket = any($1::integer[])`,
    [buckets],
  )
}

/** One fresh key per bucket, wrapped on both ladders and committed at once; a faster process wins. */
async function mintBuckets(provider: KeyProvider, owner: pg.Pool, buckets: readonly number[]): Promise<void> {
  await inTransaction(owner, async (connection) => {
    // Held against the end of an epoch: a key wrapped under a destroyed epoch key would be lost at birth.
    await connection.query('lock table surety.epoch_keys in share mode')
    const epochs = await currentEpochs(connection)
    for (const bucket of buckets.toSorted((a, b) => a - b)) {
      const key = randomBytes(KEY_BYTES)
      const wraps = await Promise.all(epochs.map((epoch) => wrapBucket(provider, epoch, bucket, key)))
      key.fill(0)
      await connection.query(
        `insert into surety.bucket_keys (ladder, bucket, generation, epoch, wrapped, dirty)
         select ladder, $2, 1, epoch, wrapped, false
           from unnest($1::text[], $3::integer[], $4::bytea[]) as wraps (ladder, epoch, wrapped)
         on conflict do nothing`,
        [epochs.map(({ ladder }) => ladder), bucket, epochs.map(({ epoch }) => epoch), wraps],
      )
    }
  })
}

async function wrapBucket(
  provider: KeyProvider,
  epoch: Epoch,
  bucket: number,
  key: Uint8Array,
): Promise<Buffer> {
  const wrapped = await provider.wrap(
    epoch.providerKey,
    key,
    bucketContext(epoch.ladder, epoch.epoch, bucket, 1),
  )
  return Buffer.from(wrapped)
}

/** What a wrapped bucket key is bound to. */
export function bucketContext(ladder: Ladder, epoch: number, bucket: number, generation: number): Buffer {
  return frame('surety/bucket-key/1', ladder, String(epoch), String(bucket), String(generation))
}
