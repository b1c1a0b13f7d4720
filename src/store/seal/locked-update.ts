import type { QueryResult } from 'kysely'
import { ownerColumns, requireSubjects, validateRow, type Resource } from '../../declare/index.ts'
import type { KeyTree } from '../../keys/index.ts'
import { StoreError } from '../errors.ts'
import type { Draft } from '../plan/draft.ts'
import type { Plan, Template } from '../plan/plan.ts'
import type { LockedUpdate } from '../plan/update.ts'
import type { OpenTransaction } from '../transport.ts'
import { openRows, type Opening } from './open-rows.ts'
import { fillParameters, type StoredRow } from './parameters.ts'
import { partsOf, sealRows } from './seal-drafts.ts'

/**
 * Reads and locks the rows, computes and validates the new ones, seals them and writes each back.
 * Nothing is written before every row has passed; the caller makes the steps one.
 */
export async function runLockedUpdate(
  opening: Opening,
  transaction: OpenTransaction,
  plan: Plan,
  update: LockedUpdate & { readonly template: Template },
): Promise<QueryResult<unknown> & { readonly stored: readonly StoredRow[] }> {
  const { keys } = opening
  const { resource } = update
  const found = await transaction.run(
    update.template.sql,
    await fillParameters(transaction, keys, update.template.parameters, []),
  )
  const current = await openRows(opening, transaction, found.rows, update.select.outputs)
  const next = current.map((row) => changed(update, row))
  if (update.moves) await holdOwners(transaction, keys, resource, [...current, ...next])
  const stored = await sealRows(transaction, keys, resource, next)
  const rows: unknown[] = []
  let count = 0
  for (const [i, row] of stored.entries()) {
    const both = [row, asFound(resource, current[i]!)]
    const parameters = await fillParameters(transaction, keys, plan.template.parameters, both)
    const written = await transaction.run(plan.template.sql, parameters)
    rows.push(...(await openRows(opening, transaction, written.rows, plan.outputs)))
    count += written.count
  }
  return { rows, numAffectedRows: BigInt(count), stored }
}

/**
 * The whole row after the update.
 * @throws ValueError when a computed value does not fit its field, or a field is about nobody
 * @throws StoreError `ERR_STORE_OWNER_FIXED`
 */
function changed({ resource, literals, computed, remains }: LockedUpdate, row: Draft): Draft {
  const values = Object.fromEntries([...computed].map(([field, column]) => [field, row[column]]))
  const next = { ...row, ...literals, ...validateRow(resource, values, 'update').values }
  requireSubjects(resource, next)
  if (remains && !remains.columns.some((column) => next[column] === remains.id)) {
    throw new StoreError(
      'ERR_STORE_OWNER_FIXED',
      `a row of ${resource.name} would no longer be about the one who changes it`,
    )
  }
  return next
}

/** What a row is found by: its id, and the owners that it had. */
export function asFound(resource: Resource, row: Draft): StoredRow {
  return new Map(['id', ...ownerColumns(resource)].map((column) => [column, row[column]]))
}

/** The keys of the old owners as well as of the new: an erasure of either waits, or has come first. */
async function holdOwners(
  { connection }: OpenTransaction,
  keys: KeyTree,
  resource: Resource,
  rows: readonly Draft[],
): Promise<void> {
  await keys.forWriting(
    connection,
    rows.flatMap((row) => partsOf(resource, row).map(({ owner }) => owner)),
  )
}
