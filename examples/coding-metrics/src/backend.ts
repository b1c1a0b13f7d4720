import type { Kysely } from 'kysely'
import type { Accounts, Principal, StaffRoom, Surety, TablesOf, Tenants } from 'surety'
import type { resources } from './resources.ts'

export type Tables = TablesOf<typeof resources>
export type Database = Kysely<Tables>

/** What this product needs of Surety: a database that knows who is asking, and who can sign in. */
export interface Backend {
  as(principal: Principal): { readonly db: Database }
  /** The principal of a task of ours that runs before a tenant is known, on the named tables alone. */
  system(task: string, tables: readonly (keyof Tables)[]): Principal
  /** Who sends a request: a person, or a member of our staff under a grant. */
  readonly identify: Surety<Tables>['identify']
  /** As whom a member of our staff sees the product; null for everybody else. */
  readonly impersonation: Surety<Tables>['impersonation']
  /** People who can sign in; what this product stores of them lies under the same pseudonym. */
  readonly accounts: Pick<Accounts, 'add' | 'find' | 'remove'>
  /** Who belongs to which team, and what they may do there. */
  readonly tenants: Tenants
  /** Our own people, and the grants by which they see anything. */
  readonly staff: StaffRoom
}
