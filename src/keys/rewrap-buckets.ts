import { asConnection, inTransaction } from '../database/index.ts'
import { forBatch, type KeyWrapper } from './batch-keys.ts'
import { readBuckets, unwrapBucketKey, wrapBucketKey, type BucketRow } from './bucket-keys.ts'
import { holdWrappingEpoch, type Epoch } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { inBatches } from './in-batches.ts'
import type { ReplaceRoom } from './replace-buckets.ts'

const BATCH = 512
/** Provider calls under way at once. */
const AT_ONCE = 32

/**
 * Wraps the keys of clean buckets under the next epoch's key, in batches that hold no lock while the
 * provider works. A bucket that is dirtied meanwhile is left out: it is to be replaced.
 */
export async function rewrapBuckets(
  room: ReplaceRoom,
  next: Epoch,
  onBatch: (buckets: number) => Promise<void>,
): Promise<void> {
  const connection = asConnection(room.owner)
  for (let after = -1; ;) {
    const rows = await readBuckets(
      connection,
      'b.epoch < $1 and not b.dirty and b.bucket > $2 order by b.bucket limit $3',
      [next.epoch, after, BATCH],
    )
    if (rows.length === 0) return
    const batch = forBatch(room.provider)
    const wraps = await inBatches(rows, AT_ONCE, (row) => rewrap(batch, next, row))
    await onBatch(await storeWraps(room, next, rows, wraps))
    after = rows.at(-1)!.bucket
  }
}

async function rewrap(provider: KeyWrapper, next: Epoch, row: BucketRow): Promise<Buffer> {
  const key = await unwrapBucketKey(provider, row)
  const wrapped = await wrapBucketKey(provider, next, row, key)
  key.fill(0)
  return wrapped
}

function storeWraps(
  { owner }: ReplaceRoom,
  next: Epoch,
  rows: readonly BucketRow[],
  wraps: readonly Buffer[],
): Promise<number> {
  return inTransaction(owner, async (connection) => {
    const held = await holdWrappingEpoch(connection)
    if (held.epoch !== next.epoch)
      throw new KeysError('ERR_KEYS_BUSY', 'another process has ended this epoch')
    const stored = await connection.query(
      `update surety.bucket_keys b set epoch = $1, wrapped = fresh.wrapped
         from unnest($2::integer[], $3::integer[], $4::integer[], $5::bytea[])
              as fresh (bucket, generation, epoch, wrapped)
        where b.ladder = 'live' and b.bucket = fresh.bucket and b.generation = fresh.generation
          and b.epoch = fresh.epoch and not b.dirty returning b.bucket`,
      [
        next.epoch,
        rows.map(({ bucket }) => bucket),
        rows.map(({ generation }) => generation),
        rows.map(({ epoch }) => epoch),
        wraps,
      ],
    )
    await connection.query(
      `update surety.epoch_keys set wrapped = wrapped + $2 where ladder = 'live' and epoch = $1`,
      [next.epoch, stored.length],
    )
    return stored.length
  })
}
