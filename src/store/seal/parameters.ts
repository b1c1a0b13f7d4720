import type { BlindIndex, KeyTree } from '../../keys/index.ts'
import { BlindValue } from '../plan/blind.ts'
import { RowSlot } from '../plan/insert.ts'
import type { OpenTransaction } from '../transport.ts'
import { createBlindIndexer } from './blind-indexer.ts'

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
    else if (parameter instanceof BlindValue) {
      filled.push(await indexOf(toIndex(parameter), parameter.value))
    } else filled.push(parameter)
  }
  return filled
}

function toIndex({ resource, field, tenant }: BlindValue): BlindIndex {
  return { resource: resource.name, field, tenant }
}
