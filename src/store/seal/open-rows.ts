import type { Envelope, Resource } from '../../declare/index.ts'
import { quoteIdentifier, type Logger } from '../../database/index.ts'
import { hasCode, isId } from '../../kernel/index.ts'
import { openRow, readHeader, type DataKey, type KeyTree } from '../../keys/index.ts'
import { StoreError } from '../errors.ts'
import type { Carrier, RepresentativeCarrier } from '../plan/scope.ts'
import type { Output } from '../plan/selections.ts'
import { carriedColumns, SCHEMA } from '../plan/table.ts'
import type { OpenTransaction } from '../transport.ts'

export interface Opening {
  readonly keys: KeyTree
  readonly logger: Logger
}

type Row = Readonly<Record<string, unknown>>

/** What the hidden columns hold: a row's envelope and its clear columns by stored name. */
interface Carried {
  readonly envelope: Uint8Array
  readonly clear: Row
  readonly dataKeyId: string
}

/** `none`: no row there (an outer join). `gone`: it was deleted, or its subject erased. */
type Opened = Row | 'none' | 'gone'

/**
 * Result rows as the caller selected them: sealed fields opened, hidden columns left out. A row
 * whose subject is erased is left out, as if it were deleted already; where the erasure of one of
 * several subjects leaves the row, their fields are null, as if they were blanked already.
 *
 * LIMIT: a group is left out when the subject of the row that stands for it is erased and its rows
 * are not deleted yet. In a caller's transaction at `read committed`, a group can bear the value that
 * its row got between the two statements.
 *
 * @throws StoreError `ERR_STORE_TAMPERED` naming the resource and the row id
 */
export async function openRows(
  opening: Opening,
  transaction: OpenTransaction,
  rows: readonly Row[],
  outputs: readonly Output[],
): Promise<Row[]> {
  const carriers = [...new Set(outputs.flatMap(({ sealed }) => (sealed ? [sealed.carrier] : [])))]
  if (carriers.length === 0) return [...rows]
  const carried = new Map<Carrier, readonly (Carried | 'none' | 'gone')[]>()
  for (const carrier of carriers) carried.set(carrier, await carry(transaction, carrier, rows))
  const keys = await readKeys(opening, transaction, [...carried.values()].flat())
  const opened = new Map<Carrier, readonly Opened[]>()
  for (const [carrier, each] of carried)
    opened.set(
      carrier,
      each.map((one) => open(carrier, one, keys)),
    )
  const deciding = carriers.filter(({ envelope }) => envelope.onErase === 'delete')
  const kept = rows.map((_, i) => deciding.every((carrier) => opened.get(carrier)![i] !== 'gone'))
  const withheld = kept.filter((keep) => !keep).length
  if (withheld > 0) opening.logger.debug({ rows: withheld }, 'rows of erased subjects were withheld')
  return rows.flatMap((row, i) => (kept[i] ? [assemble(row, i, outputs, opened)] : []))
}

function assemble(
  row: Row,
  i: number,
  outputs: readonly Output[],
  opened: ReadonlyMap<Carrier, readonly Opened[]>,
): Row {
  const entries = outputs.map(({ name, sealed }) => {
    if (!sealed) return [name, row[name]] as const
    const values = opened.get(sealed.carrier)![i]
    return [name, typeof values === 'object' ? (values[sealed.field] ?? null) : null] as const
  })
  return Object.fromEntries(entries)
}

async function carry(
  transaction: OpenTransaction,
  carrier: Carrier,
  rows: readonly Row[],
): Promise<readonly (Carried | 'none' | 'gone')[]> {
  if (carrier.kind === 'row') return rows.map((row) => read(carrier, carrier.columns, row))
  const column = carrier.columns.get('id')!
  const found = await fetchRepresentatives(
    transaction,
    carrier,
    rows.map((row) => row[column]),
  )
  return rows.map((row) => (row[column] === null ? 'none' : (found.get(row[column]) ?? 'gone')))
}

async function fetchRepresentatives(
  transaction: OpenTransaction,
  carrier: RepresentativeCarrier,
  ids: readonly unknown[],
): Promise<ReadonlyMap<unknown, Carried | 'none'>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))]
  if (wanted.length === 0) return new Map()
  const { resource, reach } = carrier
  const columns = carriedColumns(carrier.envelope)
  const bound = [...reach.keys()].map((column, i) => ` and ${quoteIdentifier(column)} = $${i + 2}`).join('')
  const { rows } = await transaction.run(
    `select ${columns.map((column) => quoteIdentifier(column)).join(', ')} from ${SCHEMA}.${quoteIdentifier(resource.name)}` +
      ` where "id" = any($1::uuid[])${bound}`,
    [wanted, ...reach.values()],
  )
  const stored = new Map(columns.map((column) => [column, column]))
  return new Map(rows.map((row) => [row['id'], read(carrier, stored, row)]))
}

type Place = Pick<Carrier, 'resource' | 'envelope'>

function read(
  { resource, envelope: place }: Place,
  columns: ReadonlyMap<string, string>,
  row: Row,
): Carried | 'none' {
  const envelope = row[columns.get(place.column)!]
  const clear = Object.fromEntries([...columns].map(([stored, column]) => [stored, row[column]]))
  if (envelope === null || envelope === undefined) {
    if (isTakenAway(resource, place, clear)) throw tampered(resource, clear)
    return 'none'
  }
  const bytes = envelope as Uint8Array
  return { envelope: bytes, clear, dataKeyId: tampering(resource, clear, () => readHeader(bytes).dataKeyId) }
}

/** A row may lack an envelope only where it lacks the subject, and all that is about them. */
function isTakenAway({ fields }: Resource, { about, clear: columns }: Envelope, clear: Row): boolean {
  if (about === null || clear['id'] === null) return false
  return columns.some((name) => clear[name] !== null && (name === about || fields[name]?.about === about))
}

function open({ resource, envelope: place }: Place, carried: Carried | 'none' | 'gone', keys: Keys): Opened {
  if (typeof carried === 'string') return carried
  const { envelope, clear, dataKeyId } = carried
  const key = keys.live.get(dataKeyId)
  if (key)
    return tampering(resource, clear, () => openRow(key, { resource, clear, about: place.about }, envelope))
  if (keys.erased.has(dataKeyId)) return 'gone'
  throw tampered(resource, clear)
}

interface Keys {
  readonly live: ReadonlyMap<string, DataKey>
  readonly erased: ReadonlySet<string>
}

/** An absent key has a tombstone, or it was never made: then the envelope's header is forged. */
async function readKeys(
  { keys }: Opening,
  { connection, run }: OpenTransaction,
  carried: readonly (Carried | 'none' | 'gone')[],
): Promise<Keys> {
  const ids = new Set(carried.flatMap((one) => (typeof one === 'string' ? [] : [one.dataKeyId])))
  const live = await keys.forReading(connection, [...ids])
  const absent = [...ids].filter((id) => !live.has(id))
  if (absent.length === 0) return { live, erased: new Set() }
  const { rows } = await run(
    'select id from surety.data_keys where id = any($1::uuid[]) and erased_at is not null',
    [absent],
  )
  return { live, erased: new Set(rows.map((row) => row['id'] as string)) }
}

function tampering<Result>(resource: Resource, clear: Row, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (hasCode(error, 'ERR_KEYS_ENVELOPE_OPEN') || hasCode(error, 'ERR_KEYS_ENVELOPE_FORMAT'))
      throw tampered(resource, clear)
    throw error
  }
}

function tampered(resource: Resource, clear: Row): Error {
  const id = isId(clear['id']) ? clear['id'] : 'unknown'
  return new StoreError(
    'ERR_STORE_TAMPERED',
    `the envelope of ${resource.name} ${id} does not belong to its row`,
  )
}
