import type { Kysely } from 'kysely'
import type { Principal } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { EpochStanding } from '../keys/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { Tenants } from '../tenants/index.ts'
import type { RecordedAudit } from '../verify/index.ts'
import type { Canaries } from './canaries.ts'
import type { StaffView } from './staff-view.ts'

/** Rows whose shape only the data map knows. */
export type AnyTables = Record<string, Record<string, unknown>>

/** One table of the live database, whoever made it. */
export interface LiveTable {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
}

/** What probes may see of the database, beside governed queries. */
export interface DatabaseView {
  readonly kind: 'embedded' | 'external'
  /** The server's own folder, tables and write-ahead log included; null where only the network reaches it. */
  readonly folder: string | null
  /** Writes a value in the clear to a table of the library's own, so that a search can prove that it finds. */
  plant(value: string): Promise<void>
  /** Every table outside Postgres' own schemas. */
  tables(): Promise<LiveTable[]>
  /** Ways in which the app's role could get round row-level security; empty when there are none. */
  bypasses(): Promise<string[]>
  /** Rows of a governed table that the app's role sees when no principal is set. */
  visibleWithoutPrincipal(resource: string): Promise<number>
  /** Cells, as text, of every table outside Postgres' own schemas, for databases whose files are out of reach. */
  cells(): AsyncIterable<{ readonly table: string; readonly text: string }>
}

/** What probes may see of the keys. */
export interface KeyView {
  /** The provider's name, and its folder where it has one. */
  readonly provider: string
  readonly folder: string | null
  /** Problems with where the keys lie and who may read them; empty when there are none. */
  placement(): Promise<string[]>
  /** Where each ladder of epochs stands now. */
  epochs(): Promise<readonly EpochStanding[]>
  /** Key material now in use: provider keys where readable, bucket keys and a sample of data keys. */
  material(most: number): Promise<{ readonly label: string; readonly bytes: Uint8Array }[]>
}

/** A log file beside the audit log: the app's own, or the embedded server's. */
export interface LogFileAge {
  readonly name: string
  /** When its oldest line was written, in Unix milliseconds. */
  readonly oldestAt: number
}

/** The audit log as the evidence log knew it: what it must still begin with. */
export interface RecordedTrail extends RecordedAudit {
  /** Entries whose bodies were missing by then, though their period had not ended. */
  readonly withoutBody: number
}

/** What probes may see of the audit log, and of other logs. */
export interface AuditView extends Pick<
  AuditLog,
  | 'vkey'
  | 'flush'
  | 'backlog'
  | 'retention'
  | 'entries'
  | 'prove'
  | 'verifyWhole'
  | 'rootAt'
  | 'rehearsePruning'
> {
  /** What the last probe wrote into the evidence log; null where none did. */
  recorded(): Promise<RecordedTrail | null>
  /** Every log file within reach, none that is empty. */
  logFiles(): Promise<LogFileAge[]>
}

/** What one run of a probe gets. */
export interface ProbeContext {
  readonly config: SuretyConfig
  readonly clock: Clock
  /** Address of the running app, as a visitor reaches it; null where none runs. */
  readonly site: string | null
  /** Folder of keys, logs and blobs; the database's too when it is embedded. */
  readonly dataDir: string
  /** Ordinary accounts over HTTP; null without canary functions or a running app. */
  readonly canaries: Canaries | null
  readonly database: DatabaseView
  readonly keys: KeyView
  readonly audit: AuditView
  /** Members, roles and keys of tenants; absent where the data map does not hold them. */
  readonly tenants?: Tenants
  /** Left out where no staff is declared. */
  readonly staff?: StaffView
  /** A governed query builder. */
  as(principal: Principal): Kysely<AnyTables>
  /** A principal of the library's own, for whole tables. */
  system(task: string, resources: readonly string[]): Principal
  /** Shown by `surety probe`; `total` is null where it is not known. */
  progress(done: number, total: number | null, what: string): void
  /** Aborted when the deadline of the run has passed. */
  readonly signal: AbortSignal
}
