import type { Connection } from '../database/index.ts'
import { forBatch, type KeyWrapper } from './batch-keys.ts'
import { readBuckets, unwrapBucketKey, wrapBucketKey, type BucketRow } from './bucket-keys.ts'
import { readEpochs, type Epoch } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { inBatches } from './in-batches.ts'
import type { KeyProvider } from './provider.ts'

/** A bucket's key under a backup epoch's key, as a backup carries it. */
export interface BackupWrap extends Pick<BucketRow, 'bucket' | 'generation' | 'epoch'> {
  readonly wrapped: Buffer
}

/** Provider calls under way at once. */
const AT_ONCE = 32

/**
 * Every bucket key of `snapshot`, wrapped under the backup epoch that is current in that snapshot:
 * read in one transaction, so that a key which the next backup epoch must not know is never wrapped
 * under it. They never enter production's own tables: they open as long as backups live.
 *
 * @throws KeysError `ERR_KEYS_DESTROYED` when a live epoch ended since the snapshot was taken: take
 *   another snapshot
 */
export async function backupWraps(provider: KeyProvider, snapshot: Connection): Promise<BackupWrap[]> {
  const epochs = await readEpochs(snapshot)
  const epoch = epochs.find(({ ladder, phase }) => ladder === 'backup' && phase === 'current')
  if (!epoch) throw new KeysError('ERR_KEYS_EPOCH', 'the backup ladder has no current epoch')
  const rows = await readBuckets(snapshot, 'true order by b.bucket', [])
  const batch = forBatch(provider)
  return inBatches(rows, AT_ONCE, (row) => wrapForBackup(batch, epoch, row))
}

async function wrapForBackup(provider: KeyWrapper, epoch: Epoch, row: BucketRow): Promise<BackupWrap> {
  const key = await unwrapBucketKey(provider, row)
  const wrapped = await wrapBucketKey(provider, epoch, row, key)
  key.fill(0)
  return { bucket: row.bucket, generation: row.generation, epoch: epoch.epoch, wrapped }
}
