/**
 * Log: what was said, in order, signed, and never unsaid.
 *
 * Promise: an entry whose transaction committed is published once; what was published is never
 * altered, reordered or cut without the next start or any verifier noticing; no tree size is ever
 * signed with two roots; a crash at any line loses and doubles nothing.
 *
 * How: callers queue entries in the database, in their own transaction. One sequencer at a time
 * (advisory lock) takes them in order, decides durably which come next, writes tiles and entry
 * bundles (C2SP tlog-tiles) into a folder outside the database, then signs and publishes the
 * checkpoint (C2SP tlog-checkpoint), and only then forgets the queue. A start reads the whole folder
 * back, checks it, and refuses a folder that lies behind what the database has published.
 *
 * The audit log takes every event in the transaction of what it records. Its leaves are salted
 * commitments (`verify/audit-commitment.ts`); the bodies lie beside them, sealed under a key per batch
 * that is derived from a key per period (`audit-keys.ts`). A period's key dies before its first event
 * is older than the retention; leaves and tiles stay, so that every proof still holds.
 *
 * A witness is another process, best of another owner: `witness/` has both sides, the one that cosigns and
 * the one that collects. Without one a key holder can show two logs to two visitors. It
 * keeps no folder from its owner's hand; it makes the hand visible.
 */
export type { OpenedBody } from './audit-bodies.ts'
export type {
  AccessChanged,
  AuditActor,
  AuditEntry,
  AuditEvent,
  DataChanged,
  RequestAnswered,
  SignIn,
  StaffAccessed,
  StaffActed,
} from './audit-event.ts'
export type { AuditPeriod } from './audit-keys.ts'
export {
  openAuditLog,
  type AuditLog,
  type AuditLogOptions,
  type AuditRetention,
  type OpenedEntry,
} from './audit-log.ts'
export type { PrunedPeriod } from './audit-pruning.ts'
export { readAuditProviderKeys } from './audit-keys.ts'
export type { ProvenLeaf } from './audit-reader.ts'
export type { AuditBacklog, AuditStatement } from './audit-records.ts'
export type { PruningRehearsal } from './audit-rehearsal.ts'
export { LogError } from './errors.ts'
export { openEvidenceLog } from './evidence-log.ts'
export type { EvidenceLog, EvidenceLogOptions, EvidenceSnapshot } from './evidence-log.ts'
export { openLog } from './log.ts'
export type { LogMode, LogOptions, RunTransaction, SequencedLog } from './log.ts'
export { logMigrations } from './migrations.ts'
export type { PublishedCheckpoint } from './published.ts'
export { readServed } from './reader.ts'
export type { LeafFormat } from './sequencer.ts'
export { createTicker, type Ticker } from './ticker.ts'
export { nameOfKey, openLogSigner, openWitnessSigner } from './signer.ts'
export { formatAddCheckpoint } from './witness/add-checkpoint.ts'
export { collectCosignatures } from './witness/collector.ts'
export type { CosignatureCollector, WitnessAddress, WitnessStanding } from './witness/collector.ts'
export { createWitness } from './witness/witness.ts'
export type { Witness, WitnessEvent, WitnessOptions } from './witness/witness.ts'
export { witnessHandler } from './witness/witness-http.ts'
