import type { Kysely } from 'kysely'
import type { RelyingParty } from '../access/index.ts'
import type { Logger } from '../database/index.ts'
import type { ResourceMap, StaffConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditEntry, AuditEvent } from '../log/index.ts'
import type { Marks } from './marks.ts'
import type { StaffTable, StaffTables } from './resources.ts'

/** Somebody broke the glass: told at once, before any row is seen. */
export interface BrokenGlass {
  readonly grant: string
  /** The staff member. */
  readonly member: string
  readonly role: string
  /** Unix milliseconds. */
  readonly reviewBy: number
}

/** Groups of a declared count, with the number of people in each, rounded where it reaches staff. */
export type CountGroups = readonly { readonly people: number; readonly [field: string]: unknown }[]

/** What the room takes from those around it. */
export interface StaffPorts {
  readonly config: StaffConfig
  readonly resources: ResourceMap
  readonly passkeys: RelyingParty
  /**
   * Staff's own tables under a principal of the library's own, on connections that no operator's
   * statement holds: else a full pool would keep accesses from being recorded.
   */
  data(...tables: readonly StaffTable[]): Kysely<StaffTables>
  /** What must stand whatever becomes of the rows. */
  readonly marks: Marks
  /**
   * Of these people those whose account is there and switched on: nobody else is staff, whatever stands in
   * their row. Asked at every use of a grant. Default: all of them.
   */
  readonly enabled?: ((people: readonly string[]) => Promise<ReadonlySet<string>>) | undefined
  /** Counts people by clear fields, over everybody, leaving out groups of fewer than `least`. */
  count(resource: string, groupBy: readonly string[], least: number): Promise<CountGroups>
  readonly audit: {
    /** Resolves when the events are committed. */
    record(events: readonly AuditEvent[]): Promise<void>
    /** From that time on, in Unix milliseconds, the oldest first. */
    entries(sinceMs: number): AsyncIterable<{ readonly entry: AuditEntry }>
  }
  /** Of these people and tenants those whose data were erased. Default: none. */
  readonly erased?: ((owners: readonly string[]) => Promise<ReadonlySet<string>>) | undefined
  /** Told when the glass is broken, beside the audit event and the log line. Must not throw. Default: nobody. */
  readonly alarm?: (alarm: BrokenGlass) => void
  readonly clock: Clock
  readonly logger: Logger
}
