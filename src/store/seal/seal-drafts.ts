import {
  blindColumn,
  ENVELOPE_COLUMN,
  keyOwnerColumn,
  tenantColumn,
  type Resource,
} from '../../declare/index.ts'
import { createId, type Clock } from '../../kernel/index.ts'
import { sealRow, type DataKey, type KeyTree } from '../../keys/index.ts'
import { toParameter, type Draft } from '../plan/insert.ts'
import { hasEnvelope, indexedFields, visibleColumns } from '../plan/table.ts'
import type { OpenTransaction } from '../transport.ts'
import { createBlindIndexer, type BlindIndexer } from './blind-indexer.ts'
import type { StoredRow } from './parameters.ts'

/** Gives drafts their id and time of receipt, and seals them. */
export function sealDrafts(
  transaction: OpenTransaction,
  keys: KeyTree,
  clock: Clock,
  resource: Resource,
  drafts: readonly Draft[],
): Promise<StoredRow[]> {
  const createdAt = new Date(clock.now())
  const rows = drafts.map((draft) => ({ ...draft, id: createId(clock), createdAt }))
  return sealRows(transaction, keys, resource, rows)
}

/**
 * Rows as they are stored: clear columns, one envelope, blind indexes. Locks the owners' data keys
 * to the end of the transaction, minting those that are missing.
 *
 * @throws KeysError `ERR_KEYS_ERASED`
 */
export async function sealRows(
  transaction: OpenTransaction,
  keys: KeyTree,
  resource: Resource,
  rows: readonly Draft[],
): Promise<StoredRow[]> {
  const dataKeys = hasEnvelope(resource) ? await ownersKeys(transaction, keys, resource, rows) : []
  const indexOf = createBlindIndexer(transaction.connection, keys)
  const stored: StoredRow[] = []
  for (const [i, row] of rows.entries()) {
    const columns = new Map<string, unknown>(
      visibleColumns(resource).map((name) => [name, toParameter(resource, name, row[name])]),
    )
    const dataKey = dataKeys[i]
    if (dataKey) columns.set(ENVELOPE_COLUMN, sealRow(dataKey, { resource, clear: row }, row))
    for (const field of indexedFields(resource)) {
      columns.set(blindColumn(field), await columnOfIndex(indexOf, resource, field, row))
    }
    stored.push(columns)
  }
  return stored
}

function ownersKeys(
  { connection }: OpenTransaction,
  keys: KeyTree,
  resource: Resource,
  rows: readonly Draft[],
): Promise<DataKey[]> {
  const tenant = tenantColumn(resource)!
  const owner = keyOwnerColumn(resource)!
  return keys.forWriting(
    connection,
    rows.map((row) => ({ tenant: row[tenant] as string, subject: row[owner] as string })),
  )
}

async function columnOfIndex(
  indexOf: BlindIndexer,
  resource: Resource,
  field: string,
  row: Draft,
): Promise<Buffer | null> {
  const value = row[field]
  if (value === null || value === undefined) return null
  const tenant = resource.fields[field]!.index === 'blind' ? (row[tenantColumn(resource)!] as string) : null
  return indexOf({ resource: resource.name, field, tenant }, value as string | number)
}
