import type { Connection } from '../database/index.ts'

/** First half of the advisory locks; the second is the bucket. */
const BUCKET_LOCK = 0x5375_6b32

/**
 * Locks buckets to the end of the transaction, in ascending order everywhere. Whoever mints a data
 * key shares its bucket with others who mint; whoever replaces the bucket's key is alone with it.
 */
export async function lockBuckets(
  connection: Connection,
  buckets: readonly number[],
  mode: 'shared' | 'exclusive',
): Promise<void> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock'
  await connection.query(`select ${lock}($1, bucket) from unnest($2::integer[]) as bucket`, [
    BUCKET_LOCK,
    buckets.toSorted((a, b) => a - b),
  ])
}
