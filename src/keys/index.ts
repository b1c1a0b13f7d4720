/**
 * Keys: what is sealed can be made unreadable everywhere by destroying keys.
 *
 * Promise: no data key is stored unwrapped; no key opens another row, subject or tenant than its
 * own; an erased subject never gets a key again; nothing lives longer than the epoch key it hangs on.
 *
 * How: `epoch key → bucket keys → data key per subject → one envelope per row`. An epoch key never
 * leaves its provider. It wraps 4,096 bucket keys, more as subjects grow; a bucket key wraps the data
 * keys drawn into its bucket; a data key seals its subject's rows. The idea is Boneh and Lipton's
 * revocable backup (1996).
 *
 * An erasure takes a data key's wrap away and marks its bucket dirty. At the live epoch's end
 * (`createKeyRotation`) dirty buckets get a fresh key and what is left in them is rewrapped, the other
 * bucket keys are wrapped under the next epoch's key, and the old one is destroyed: copies of the
 * wrap in old pages, WAL and replicas open nowhere any more, and the cost follows the deletions.
 *
 * Two ladders: production stores wraps of the `live` one alone; a backup carries wraps of its own,
 * under the `backup` epoch of its time, whose key lives as long as the backups of that epoch do.
 * Before a backup epoch ends, dirty buckets are replaced too: its successor's backups never carry a
 * key that opens what was erased before.
 *
 * Formats, final: wrapped bucket key: the provider's bytes under the context of `bucketContext`
 * (ladder, epoch, bucket, generation). Wrapped data key: `createDataKey`. Envelopes, 1 and 2: `sealRow`.
 * Whoever mints a data key holds a shared advisory lock on its bucket to the end of the transaction;
 * whoever replaces a bucket's key takes it exclusively, raises the generation and rewraps the
 * survivors in the same transaction.
 *
 * It does not hide the lengths of values, or protect a process whose memory is read.
 *
 * LIMIT: a transaction on an older snapshot (repeatable read), or a replica that lags, meets data keys
 * of a bucket that was replaced since; it gets `ERR_KEYS_UNWRAP` and is to be tried again.
 */
export type { BackupWrap } from './backup-wraps.ts'
export { BUCKETS } from './bucket-count.ts'
export type { EpochPhase, EpochRecord, Ladder } from './epoch-keys.ts'
export {
  epochStanding,
  irrecoverableSince,
  type EpochSchedule,
  type EpochStanding,
} from './epoch-standing.ts'
export { KeysError } from './errors.ts'
export { frame } from './frame.ts'
export { gcmOpen, gcmSeal, takeKey } from './gcm.ts'
export { readKeyStatus, readStandings, type KeyStatus, type KeyStatusOptions } from './key-status.ts'
export { openAwsKmsProvider, type AwsKmsProviderOptions } from './providers/aws-kms-provider.ts'
export type { AwsCredentials } from './providers/aws-signature.ts'
export { claimKeyFolder, openFileProvider, type FileProviderOptions } from './providers/file-provider.ts'
export type { GuardOptions } from './providers/guarded-provider.ts'
export { readFileKeys } from './providers/key-folder.ts'
export { openKeyProvider, type OpenKeyProviderOptions } from './providers/open-key-provider.ts'
export { openPkcs11Provider, type Pkcs11ProviderOptions } from './providers/pkcs11-provider.ts'
export {
  createReplicatedProvider,
  type ReplicatedProvider,
  type ReplicatedProviderOptions,
} from './providers/replicated-provider.ts'
export { openVaultProvider, type VaultProviderOptions } from './providers/vault-provider.ts'
export { INSTALLATION, keysMigrations } from './migrations.ts'
export { holdKeys, isSameKey, KEYS_CHANGED, readKeyOf, type KeyStatement } from './key-statements.ts'
export { openKeyTree, type KeyMaterial, type KeyTreeOptions, type OpenKeyTree } from './open-key-tree.ts'
export type { DestructionEvidence, KeyProvider, ProviderKey } from './provider.ts'
export {
  createKeyRotation,
  type KeyRotation,
  type KeyRotationOptions,
  type RotateOptions,
  type RotationReport,
  type RotationStep,
} from './rotation.ts'
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
