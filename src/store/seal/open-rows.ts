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
type Absent = 'none' | 'gone'
type Opened = Row | Absent

/** The data keys that rows name: those that open, and those that are tombstones. */
export interface Keys {
  readonly live: ReadonlyMap<string, DataKey>
  readonly erased: ReadonlySet<string>
}

/** What opening rows reads from the database besides them. */
export interface RowReader {
  /** Of all of `ids`, those that are neither live nor erased were never made. */
  readKeys(ids: readonly string[]): Promise<Keys>
  run: OpenTransaction['run']
}

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
export function openRows(
  opening: Opening,
  { connection, run }: OpenTransaction,
  rows: readonly Row[],
  outputs: readonly Output[],
): Promise<Row[]> {
  const readKeys = async (ids: readonly string[]): Promise<Keys> => {
    const live = await opening.keys.forReading(connection, ids)
    const absent = ids.filter((id) => !live.has(id))
    if (absent.length === 0) return { live, erased: new Set() }
    const { rows: tombstones } = await run(
      'select id from surety.data_keys where id = any($1::uuid[]) and erased_at is not null',
      [absent],
    )
    return { live, erased: new Set(tombstones.map((row) => row['id'] as string)) }
  }
  return openRowsFrom({ readKeys, run }, opening.logger, rows, outputs)
}

/** {@link openRows}, wherever its keys come from. */
export async function openRowsFrom(
  reader: RowReader,
  logger: Logger,
  rows: readonly Row[],
  outputs: readonly Output[],
): Promise<Row[]> {
  const carriers = [...new Set(outputs.flatMap(({ sealed }) => (sealed ? [sealed.carrier] : [])))]
  if (carriers.length === 0) return [...rows]
  const carried = new Map<Carrier, readonly (Carried | Absent)[]>()
  for (const carrier of carriers) carried.set(carrier, await carry(reader, carrier, rows))
  const keys = await reader.readKeys(namedKeys(carried.values()))
  const opened = new Map<Carrier, readonly Opened[]>()
  for (const [carrier, each] of carried) {
    opened.set(
      carrier,
      each.map((one) => open(carrier, one, keys)),
    )
  }
  return assembleAll(logger, rows, outputs, opened)
}

function namedKeys(carried: Iterable<readonly (Carried | Absent)[]>): string[] {
  const ids = new Set<string>()
  for (const each of carried) for (const one of each) if (typeof one !== 'string') ids.add(one.dataKeyId)
  return [...ids]
}

function assembleAll(
  logger: Logger,
  rows: readonly Row[],
  outputs: readonly Output[],
  opened: ReadonlyMap<Carrier, readonly Opened[]>,
): Row[] {
  const deciding = [...opened].flatMap(([{ envelope }, each]) =>
    envelope.onErase === 'delete' ? [each] : [],
  )
  const made: Row[] = []
  for (const [i, row] of rows.entries()) {
    if (deciding.every((each) => each[i] !== 'gone')) made.push(assemble(row, i, outputs, opened))
  }
  const withheld = rows.length - made.length
  if (withheld > 0) logger.debug({ rows: withheld }, 'rows of erased subjects were withheld')
  return made
}

function assemble(
  row: Row,
  i: number,
  outputs: readonly Output[],
  opened: ReadonlyMap<Carrier, readonly Opened[]>,
): Row {
  const made: Record<string, unknown> = {}
  for (const { name, sealed } of outputs) {
    const values = sealed ? opened.get(sealed.carrier)![i]! : row
    const value = typeof values === 'object' ? (values[sealed?.field ?? name] ?? null) : null
    // A column may be called `__proto__`.
    if (name === '__proto__') Object.defineProperty(made, name, { value, enumerable: true })
    else made[name] = value
  }
  return made
}

async function carry(
  reader: RowReader,
  carrier: Carrier,
  rows: readonly Row[],
): Promise<readonly (Carried | Absent)[]> {
  if (carrier.kind === 'row') {
    const columns = [...carrier.columns]
    return rows.map((row) => read(carrier, columns, row))
  }
  const column = carrier.columns.get('id')!
  const found = await fetchRepresentatives(
    reader,
    carrier,
    rows.map((row) => row[column]),
  )
  return rows.map((row) => (row[column] === null ? 'none' : (found.get(row[column]) ?? 'gone')))
}

async function fetchRepresentatives(
  { run }: RowReader,
  carrier: RepresentativeCarrier,
  ids: readonly unknown[],
): Promise<ReadonlyMap<unknown, Carried | 'none'>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))]
  if (wanted.length === 0) return new Map()
  const { resource, reach } = carrier
  const columns = carriedColumns(carrier.envelope)
  const bound = [...reach.keys()].map((column, i) => ` and ${quoteIdentifier(column)} = $${i + 2}`).join('')
  const { rows } = await run(
    `select ${columns.map((column) => quoteIdentifier(column)).join(', ')} from ${SCHEMA}.${quoteIdentifier(resource.name)}` +
      ` where "id" = any($1::uuid[])${bound}`,
    [wanted, ...reach.values()],
  )
  const stored = columns.map((column) => [column, column] as const)
  return new Map(rows.map((row) => [row['id'], read(carrier, stored, row)]))
}

type Place = Pick<Carrier, 'resource' | 'envelope'>

function read(
  { resource, envelope: place }: Place,
  columns: readonly (readonly [stored: string, column: string])[],
  row: Row,
): Carried | 'none' {
  const clear: Record<string, unknown> = {}
  for (const [stored, column] of columns) clear[stored] = row[column]
  const envelope = clear[place.column]
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

function open({ resource, envelope: place }: Place, carried: Carried | Absent, keys: Keys): Opened {
  if (typeof carried === 'string') return carried
  const { envelope, clear, dataKeyId } = carried
  const key = keys.live.get(dataKeyId)
  if (key)
    return tampering(resource, clear, () => openRow(key, { resource, clear, about: place.about }, envelope))
  if (keys.erased.has(dataKeyId)) return 'gone'
  throw tampered(resource, clear)
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
