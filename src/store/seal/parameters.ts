import type { BlindIndex, KeyTree } from '../../keys/index.ts'
import { BlindValue } from '../plan/blind.ts'
import { RowSlot } from '../plan/draft.ts'
import type { OpenTransaction } from '../transport.ts'
import { ColumnSlot } from '../plan/from-arrays.ts'
import { createBlindIndexer } from './blind-indexer.ts'
import { encodeColumn } from './column-arrays.ts'

/** A row as it is stored: every column by name, sealed, as the driver takes it. */
export type StoredRow = ReadonlyMap<string, unknown>

/** The parameters of a template with its slots filled: columns of stored rows, blind indexes. */
export async function fillParameters(
  { connection }: OpenTransaction,
  keys: KeyTree,
  parameters: readonly unknown[],
  stored: readonly StoredRow[],
): Promise<unknown[]> {
  const indexOf = createBlindIndexer(connection, keys)
  const filled: unknown[] = []
  for (const parameter of parameters) {
    if (parameter instanceof RowSlot) filled.push(stored[parameter.row]!.get(parameter.column))
    else if (parameter instanceof ColumnSlot) filled.push(fillColumn(parameter, stored))
    else if (parameter instanceof BlindValue) {
      filled.push(await indexOf(toIndex(parameter), parameter.value as string | number))
    } else filled.push(parameter)
  }
  return filled
}

export function fillColumn({ resource, column }: ColumnSlot, stored: readonly StoredRow[]): Buffer {
  return encodeColumn(resource, column, stored)
}

/** Parameters to look at: a frozen copy, so that nobody changes a plan through it, with slots as words. */
export function forTheEye(parameters: readonly unknown[]): readonly unknown[] {
  return Object.freeze(
    parameters.map((parameter) => {
      if (parameter instanceof RowSlot) return `[${parameter.column} of row ${parameter.row}]`
      if (parameter instanceof ColumnSlot) return `[${parameter.column} of every row]`
      if (parameter instanceof BlindValue)
        return `[blind index of ${parameter.resource.name}.${parameter.field}]`
      return parameter
    }),
  )
}

export function toIndex({ resource, field, tenant }: BlindValue): BlindIndex {
  return { resource: resource.name, field, tenant }
}
