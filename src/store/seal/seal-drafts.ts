import type { KeyObject } from 'node:crypto'
import { blindColumn, envelopesOf, tenantColumn, type Envelope, type Resource } from '../../declare/index.ts'
import { createId, type Clock } from '../../kernel/index.ts'
import { blindIndex, sealRow, type BlindIndex, type DataKey, type KeyOwner } from '../../keys/index.ts'
import type { KeyTree } from '../../keys/index.ts'
import { toParameter, type Draft } from '../plan/draft.ts'
import { indexedFields, visibleColumns } from '../plan/table.ts'
import type { OpenTransaction } from '../transport.ts'
import type { StoredRow } from './parameters.ts'

/** Drafts with the id and the time of receipt that they are given. */
export function receiveDrafts(clock: Clock, drafts: readonly Draft[]): Draft[] {
  const createdAt = new Date(clock.now())
  return drafts.map((draft) => ({ ...draft, id: createId(clock), createdAt }))
}

/** Gives drafts their id and time of receipt, and seals them. */
export function sealDrafts(
  transaction: OpenTransaction,
  keys: KeyTree,
  clock: Clock,
  resource: Resource,
  drafts: readonly Draft[],
): Promise<StoredRow[]> {
  return sealRows(transaction, keys, resource, receiveDrafts(clock, drafts))
}

/**
 * Rows as they are stored: clear columns, an envelope per subject, blind indexes. Locks the owners' data keys
 * to the end of the transaction, minting those that are missing.
 *
 * @throws KeysError `ERR_KEYS_ERASED`
 */
export async function sealRows(
  { connection }: OpenTransaction,
  keys: KeyTree,
  resource: Resource,
  rows: readonly Draft[],
): Promise<StoredRow[]> {
  const owners = ownersOf(resource, rows)
  const dataKeys = owners.size > 0 ? await keys.forWriting(connection, [...owners.values()]) : []
  const indexKeys = new Map<string, KeyObject>()
  for (const [name, index] of indexesOf(resource, rows)) {
    indexKeys.set(name, await keys.blindIndexKey(connection, index))
  }
  return new RowSealer(
    resource,
    new Map([...owners.keys()].map((name, i) => [name, dataKeys[i]!])),
    indexKeys,
  ).seal(rows)
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

/** Whose data keys rows are sealed with, each once, by name. */
export function ownersOf(resource: Resource, rows: readonly Draft[]): Map<string, KeyOwner> {
  const owners = new Map<string, KeyOwner>()
  for (const row of rows) for (const { owner } of partsOf(resource, row)) owners.set(ownerName(owner), owner)
  return owners
}

/** The blind indexes of which rows hold a value, each once, by name. */
export function indexesOf(resource: Resource, rows: readonly Draft[]): Map<string, BlindIndex> {
  const indexes = new Map<string, BlindIndex>()
  for (const field of indexedFields(resource)) {
    for (const row of rows) {
      if (row[field] === null || row[field] === undefined) continue
      const tenant = indexTenant(resource, field, row)
      indexes.set(indexName(field, tenant), { resource: resource.name, field, tenant })
    }
  }
  return indexes
}

/** Seals rows with keys at hand. */
export class RowSealer {
  readonly #resource: Resource
  readonly #dataKeys: ReadonlyMap<string, DataKey>
  readonly #indexKeys: ReadonlyMap<string, KeyObject>
  readonly #visible: readonly string[]
  readonly #indexed: readonly string[]
  /** Values recur within a statement, and an index costs more than looking it up. */
  readonly #made = new Map<string, Map<unknown, Buffer>>()

  /** @param dataKeys by the names of `ownersOf` @param indexKeys by those of `indexesOf` */
  constructor(
    resource: Resource,
    dataKeys: ReadonlyMap<string, DataKey>,
    indexKeys: ReadonlyMap<string, KeyObject>,
  ) {
    this.#resource = resource
    this.#dataKeys = dataKeys
    this.#indexKeys = indexKeys
    this.#visible = visibleColumns(resource)
    this.#indexed = indexedFields(resource)
  }

  seal(rows: readonly Draft[]): StoredRow[] {
    return rows.map((row) => this.#sealOne(row))
  }

  #sealOne(row: Draft): StoredRow {
    const resource = this.#resource
    const columns = new Map<string, unknown>()
    for (const name of this.#visible) columns.set(name, toParameter(resource, name, row[name]))
    for (const { envelope, owner } of partsOf(resource, row)) {
      const context = { resource, clear: row, about: envelope.about }
      columns.set(envelope.column, sealRow(this.#dataKeys.get(ownerName(owner))!, context, row))
    }
    for (const field of this.#indexed) columns.set(blindColumn(field), this.#index(field, row))
    return columns
  }

  #index(field: string, row: Draft): Buffer | null {
    const value = row[field]
    if (value === null || value === undefined) return null
    const name = indexName(field, indexTenant(this.#resource, field, row))
    const made = this.#made.get(name) ?? new Map<unknown, Buffer>()
    const index = made.get(value) ?? blindIndex(this.#indexKeys.get(name)!, value as string | number)
    this.#made.set(name, made.set(value, index))
    return index
  }
}

function ownerName({ tenant, subject }: KeyOwner): string {
  return `${tenant}/${subject}`
}

function indexTenant(resource: Resource, field: string, row: Draft): string | null {
  return resource.fields[field]!.index === 'blind' ? (row[tenantColumn(resource)!] as string) : null
}

function indexName(field: string, tenant: string | null): string {
  return `${field}/${tenant ?? ''}`
}
