/**
 * Promises: the catalogue, one file per promise.
 *
 * To learn how a sentence is kept, open its file: the parameters it takes, what the configuration
 * must show, the probe that tries to break or measure the outcome, how long a result counts, and
 * what the probe cannot prove, shown to the visitor as it stands.
 *
 * What it keeps: a start is in the evidence log before its probe runs; a probe that throws or
 * overruns gives `undecided`, never silence; the log's claims follow the page, weakenings marked.
 * What it does not: decide a status (`verify` does, from the log), or show anything (`page`).
 */
export { createCanaries, type Canaries } from './canaries.ts'
export { catalogue } from './catalogue.ts'
export { checkLink, claimOf, findPromise, reconcileClaims, type PromiseLink } from './claims.ts'
export type { Direction, Measurement, PromiseDefinition, StaticFinding } from './definition.ts'
export { PromiseError } from './errors.ts'
export { promisesMigrations } from './migrations.ts'
export { openEnvelopes, type OpenedEnvelopes } from './open-envelopes.ts'
export { PLANNED_PROMISES } from './planned.ts'
export type {
  AnyTables,
  AuditView,
  DatabaseView,
  KeyView,
  LiveTable,
  LogFileAge,
  ProbeContext,
  RecordedTrail,
} from './probe-context.ts'
export { recordedTrail } from './monitor-audit-trail.ts'
export { runProbe, type EvidenceSink } from './run-probe.ts'
export { dueClaims } from './schedule.ts'
export { bytesNeedles, textNeedles, type Needle } from './search/needle.ts'
export { searchFolder, type FolderSearch } from './search/search-folder.ts'
export type { StaffRehearsal, StaffView } from './staff-view.ts'
export { SYSTEM_TABLES, type SystemTable } from './system-tables.ts'
