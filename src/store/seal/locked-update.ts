import type { QueryResult } from 'kysely'
import { validateRow } from '../../declare/index.ts'
import type { Draft } from '../plan/insert.ts'
import type { Plan, Template } from '../plan/plan.ts'
import type { LockedUpdate } from '../plan/update.ts'
import type { OpenTransaction } from '../transport.ts'
import { openRows, type Opening } from './open-rows.ts'
import { fillParameters, type StoredRow } from './parameters.ts'
import { sealRows } from './seal-drafts.ts'

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
  const found = await transaction.run(
    update.template.sql,
    await fillParameters(transaction, keys, update.template.parameters, []),
  )
  const current = await openRows(opening, transaction, found.rows, update.select.outputs)
  const stored = await sealRows(
    transaction,
    keys,
    update.resource,
    current.map((row) => changed(update, row)),
  )
  const rows: unknown[] = []
  let count = 0
  for (const row of stored) {
    const parameters = await fillParameters(transaction, keys, plan.template.parameters, [row])
    const written = await transaction.run(plan.template.sql, parameters)
    rows.push(...(await openRows(opening, transaction, written.rows, plan.outputs)))
    count += written.count
  }
  return { rows, numAffectedRows: BigInt(count), stored }
}

/** The whole row after the update. @throws ValueError when a computed value does not fit its field */
function changed({ resource, literals, computed }: LockedUpdate, row: Draft): Draft {
  const values = Object.fromEntries([...computed].map(([field, column]) => [field, row[column]]))
  return { ...row, ...literals, ...validateRow(resource, values, 'update').values }
}
