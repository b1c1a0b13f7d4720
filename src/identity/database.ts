import type { Kysely, Transaction } from 'kysely'
import type { Principal } from '../access/index.ts'
import type { AccountTables } from './resources.ts'

/** The governed query builder over the tables of sign-in. */
export type AccountDatabase = Kysely<AccountTables>

/** What the room asks of the store. */
export interface AccountStore {
  /** The tables of sign-in as a task of the library sees them: these tables whole, and no others. */
  (task: string, tables: readonly (keyof AccountTables)[]): AccountDatabase
}

/** Makes the port from a store and its maker of system principals. */
export function accountStore(
  as: (principal: Principal) => { readonly db: unknown },
  system: (task: string, tables: readonly string[]) => Principal,
): AccountStore {
  return (task, tables) => as(system(task, tables)).db as AccountDatabase
}

/** Joins a transaction that is open, or makes one. */
export function inOneTransaction<T>(
  db: AccountDatabase,
  work: (db: Transaction<AccountTables>) => Promise<T>,
): Promise<T> {
  return db.isTransaction ? work(db as Transaction<AccountTables>) : db.transaction().execute(work)
}
