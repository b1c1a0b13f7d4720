import type { Kysely } from 'kysely'
import type { GrantScope } from '../access/index.ts'
import type { Stranger } from '../database/index.ts'
import type { Comparison, ShownAccess, StaffStanding } from '../staff/index.ts'
import type { AnyTables } from './probe-context.ts'

/** An access that a probe makes, as an operator would, to a row of an invented person. */
export interface StaffRehearsal {
  readonly operator: string
  readonly scope: GrantScope
  readonly resource: string
  /** False: the record fails on purpose, so that no row may come. */
  readonly recorded: boolean
}

/** What probes may see of staff access. */
export interface StaffView {
  standing(): Promise<StaffStanding>
  /** Direct sessions and roles of the database that nobody declared. */
  strangers(): Promise<Stranger[]>
  /** What a person is shown of accesses to their data. */
  shownTo(person: string): Promise<readonly ShownAccess[]>
  /** What all are shown of accesses, held against the audit log; those of the operator `ignored` left out. */
  compare(ignored: string): Promise<Comparison>
  /** The store as an operator with a grant for that person has it. */
  rehearse(rehearsal: StaffRehearsal): Kysely<AnyTables>
}
