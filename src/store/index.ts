/**
 * Store: the governed Kysely.
 *
 * Promise: no row leaves without a principal and a permission; no query returns another tenant's
 * row, whatever its shape; no sealed field is stored in the clear; what is not understood is refused.
 *
 * How: `store.as(principal).db` is a Kysely whose compiler is a planner (`plan/`). It walks the query
 * tree, resolves every name, replaces each table by its rows in the principal's reach, keeps functions
 * and operators to a list, and treats sealed fields as virtual: hidden columns travel in their place
 * and are opened when the rows have come (`seal/`). Behind it stands row-level security, told by
 * transaction-local settings how far the statement's permissions reach (`transport.ts`).
 *
 * Sealed rows change in one locked read, seal and write (`seal/locked-update.ts`), upserts among them
 * (`seal/upsert.ts`); a move to another owner holds the keys of both. Ways around are attempted in
 * `escapes.test.ts` and `escapes.database.test.ts`.
 *
 * Refused, since their values could be neither validated nor sealed: `insert … select`, CTEs that
 * write or recur, merging.
 *
 * Outside a caller's transaction most statements are one round trip (`at-once.ts`): settings,
 * statement and the rows of the data keys it needs behind one Sync, which Postgres makes one
 * transaction. Keys are those read last; the same transaction shows that they still are. Plans of
 * selects and deletes are kept without values and principals (`plan/plan-cache.ts`). The audit trail's
 * statement is one of a change's transaction, whichever way it goes (`audit-trail.ts`).
 *
 * Operators (`operator.ts`) are served within a grant that a port checks at each statement, and only
 * with rows whose access that port has recorded; their selects keep the id of every governed row
 * (`plan/operator.ts`).
 *
 * What it does not do: stop somebody who holds the pool itself; hide from the database which rows
 * have equal blind-indexed values; stream.
 */
export type { AuditedChange, AuditedRow, AuditTrail } from './audit-trail.ts'
export { StoreError } from './errors.ts'
export type { AccessedRows, OperatorAccess, OperatorGate } from './operator-gate.ts'
export { GovernedKysely } from './governed-kysely.ts'
export { createStore, type Governed, type Store, type StoreOptions } from './store.ts'
