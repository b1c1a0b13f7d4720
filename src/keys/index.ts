/**
 * Keys: what is sealed can be made unreadable everywhere by destroying keys.
 *
 * Promise: no data key is stored unwrapped; no key opens another row, subject or tenant than its
 * own; an erased subject never gets a key again; nothing lives longer than the epoch key it hangs on.
 *
 * How: `epoch key → bucket keys → data key per subject → one envelope per row`. An epoch key never
 * leaves its provider. It wraps 4,096 bucket keys; a bucket key wraps the data keys drawn into its
 * bucket; a data key seals its subject's rows. The idea is Boneh and Lipton's revocable backup
 * (1996). Two ladders wrap the same bucket keys: `live` for production, `backup` for backups.
 *
 * Formats, final: wrapped bucket key: the provider's bytes under the context of `bucketContext`
 * (ladder, epoch, bucket, generation). Wrapped data key: `createDataKey`. Envelope: `sealRow`.
 * Whoever mints a data key holds a shared advisory lock on its bucket to the end of the transaction;
 * whoever replaces a bucket's key takes it exclusively, raises the generation and rewraps the
 * survivors in the same transaction.
 *
 * It does not end epochs yet, hide the lengths of values, or protect a process whose memory is read.
 */
export { BUCKETS } from './bucket-keys.ts'
export { KeysError } from './errors.ts'
export { openFileProvider, type FileProviderOptions } from './file-provider.ts'
export { readFileKeys } from './key-folder.ts'
export { INSTALLATION, keysMigrations } from './migrations.ts'
export { holdKeys, isSameKey, KEYS_CHANGED, readKeyOf, type KeyStatement } from './key-statements.ts'
export { openKeyTree, type KeyMaterial, type KeyTreeOptions, type OpenKeyTree } from './open-key-tree.ts'
export type { DestructionEvidence, KeyProvider, ProviderKey } from './provider.ts'
export {
  BLIND_INDEX_BYTES,
  blindIndex,
  ENVELOPE_OVERHEAD_BYTES,
  keyOwnerOf,
  openRow,
  readHeader,
  sealRow,
  type EnvelopeHeader,
  type RowContext,
} from './seal-row.ts'
export type { BlindIndex, DataKey, DataKeyRow, KeyOwner, KeyTree, RecalledKey } from './tree.ts'
