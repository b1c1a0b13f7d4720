/**
 * Database: one real Postgres per installation, embedded by default, any 15+ through `DATABASE_URL`.
 *
 * Promise: an application's statements run as a role that owns nothing and cannot step around
 * row-level security, and a start fails when it could; the schema is what the data map declares,
 * changed only by additive steps or by statements an operator ran by hand; whatever an earlier
 * process left behind is cleared up without a hand.
 *
 * How: `startServer` runs the server as an unprivileged account, on the loopback address, with
 * passwords of its own; `openDatabase` gives two pools, owner and app; `migrateSystem` applies the
 * rooms' own steps, `planResources` and `applyPlan` the data map's tables and policies.
 *
 * It does not decide who may see what (access, store), seal anything (keys), or protect against a
 * superuser of the database or the machine's root.
 */
export {
  watchClocks,
  type ClockAgreement,
  type ClockAgreementOptions,
  type ClockComparison,
} from './clock-agreement.ts'
export { serverLogFile } from './cluster.ts'
export type { Connection } from './connection.ts'
export { syncFolder, writeSynced, type SyncedWrite } from './durable-file.ts'
export { DatabaseError } from './errors.ts'
export { isWithin } from './is-within.ts'
export { lockFolder, type FolderLock } from './folder-lock.ts'
export { databaseNameOf, openDatabase, type Database, type DatabaseOptions } from './database.ts'
export { silentLogger, type Logger } from './logger.ts'
export { migrateSystem, previewMigration, type Migration } from './migrate.ts'
export {
  asConnection,
  inTransaction,
  poolBeside,
  quoteIdentifier,
  quoteLiteral,
  type TransactionOptions,
} from './pools.ts'
export { APP_ROLE, assertCannotBypass, OWNER_ROLE } from './roles.ts'
export {
  attachServer,
  startServer,
  WITHOUT_FSYNC,
  type DatabaseServer,
  type ServerOptions,
} from './server.ts'
export type { MigrationPlan, MigrationStep } from './migration-plan.ts'
export { applyPlan, databaseMigrations, planResources } from './plan.ts'
export {
  KEYS_SETTING,
  settingName,
  settingSql,
  SUBJECT_SETTING,
  TENANT_SETTING,
  type PolicyVerb,
} from './policies.ts'
export { describeSchema, type ColumnDescription, type TableDescription } from './schema.ts'
export { listStrangers, type Stranger } from './strangers.ts'
export { columnTypes } from './table-shape.ts'
export { openJobs, type JobPayload, type Jobs, type JobsOptions, type WakeOptions } from './jobs.ts'
