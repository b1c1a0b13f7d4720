import { blindColumn, envelopesOf, tenantColumn, type Envelope, type Resource } from '../../declare/index.ts'
import { createId, type Clock } from '../../kernel/index.ts'
import { sealRow, type KeyOwner, type KeyTree } from '../../keys/index.ts'
import { toParameter, type Draft } from '../plan/draft.ts'
import { indexedFields, visibleColumns } from '../plan/table.ts'
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
 * Rows as they are stored: clear columns, an envelope per subject, blind indexes. Locks the owners' data keys
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
  const parts = rows.map((row) => partsOf(resource, row))
  const owners = parts.flat().map(({ owner }) => owner)
  const dataKeys = (owners.length > 0 ? await keys.forWriting(transaction.connection, owners) : []).values()
  const indexOf = createBlindIndexer(transaction.connection, keys)
  const stored: StoredRow[] = []
  for (const [i, row] of rows.entries()) {
    const columns = new Map<string, unknown>(
      visibleColumns(resource).map((name) => [name, toParameter(resource, name, row[name])]),
    )
    for (const { column } of envelopesOf(resource)) columns.set(column, null)
    for (const { envelope } of parts[i]!) {
      const context = { resource, clear: row, about: envelope.about }
      columns.set(envelope.column, sealRow(dataKeys.next().value!, context, row))
    }
    for (const field of indexedFields(resource)) {
      columns.set(blindColumn(field), await columnOfIndex(indexOf, resource, field, row))
    }
    stored.push(columns)
  }
  return stored
}

interface Part {
  readonly envelope: Envelope
  readonly owner: KeyOwner
}

/** The envelopes that a row has, and who owns the key of each: a subject who is absent has none. */
export function partsOf(resource: Resource, row: Draft): Part[] {
  const tenant = row[tenantColumn(resource)!] as string
  return envelopesOf(resource).flatMap((envelope) => {
    const subject = row[envelope.owner] as string | null
    return subject === null ? [] : [{ envelope, owner: { tenant, subject } }]
  })
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
