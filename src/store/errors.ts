import { defineErrors } from '../kernel/index.ts'

/** What the governed store refuses or cannot do. Names resources, fields and row ids, never a value. */
export const StoreError = defineErrors('StoreError', {
  ERR_STORE_FORBIDDEN: 'give one of the principal’s roles the permission, or ask as somebody who has it',
  ERR_STORE_UNSUPPORTED:
    'write the query with the governed builder’s supported parts, or do this step in code',
  ERR_STORE_RAW: 'write the expression with the query builder: raw SQL cannot be governed',
  ERR_STORE_UNKNOWN_TABLE:
    'use a declared resource by its name, without a schema, or a CTE of the same query',
  ERR_STORE_UNKNOWN_COLUMN: 'use a declared field, id or createdAt',
  ERR_STORE_NAME:
    'give each table and each selected expression a name of its own, of at most 63 bytes, that does not begin with "_"',
  ERR_STORE_FUNCTION: 'use one of the allowed functions and operators, or compute it in code',
  ERR_STORE_SEALED_EXPRESSION:
    'select the field and compute in code; equality and grouping need index: "blind"; else declare it clear with a reason',
  ERR_STORE_BLIND_SCOPE: 'ask inside one tenant, or declare the field with index: "blind-installation"',
  ERR_STORE_OWNER_FIXED:
    'move rows as somebody whose permission to write covers the old owner and the new one',
  ERR_STORE_UPSERT_SEALED:
    'declare the columns of onConflict as a unique set of the resource, or select the row for update and then insert or update it',
  ERR_STORE_TOO_LARGE: 'split the statement: Postgres takes at most 65,535 parameters, and no deep nesting',
  ERR_STORE_OPERATOR:
    'as an operator select rows from tables and plain joins of them, without groups, aggregates and subqueries; count with a declared query',
  ERR_STORE_UNRECORDED:
    'mend the record of accesses, as the cause says, then ask again: without it nothing is released',
  ERR_STORE_NOT_OFFERED: 'use select, insert, update, delete and transactions of the governed builder',
  ERR_STORE_TAMPERED:
    'compare the row with a backup: its envelope, owner or clear columns were changed outside',
  ERR_STORE_CONFLICT: 'use another value for the unique fields, or onConflict(…).doNothing()',
  ERR_STORE_REFERENCE: 'insert the referred row first, or delete the referring rows first',
  ERR_STORE_VALUE: 'send values of the declared types',
  ERR_STORE_RETRY: 'run the transaction again',
  ERR_STORE_ABORTED:
    'let a failed statement end its transaction, or set a savepoint before it and roll back to that',
  ERR_STORE_UNAVAILABLE: 'check that the database is up and reachable, then try again',
  ERR_STORE_DATABASE: 'look the SQLSTATE up in the PostgreSQL manual, appendix A',
})

/** A name from a query, fit for a message: anything but a plain identifier is not repeated. */
export function describeName(name: unknown): string {
  return typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name) ? name : 'of that name'
}
