import { columnTypes } from '../../database/index.ts'
import type { Resource } from '../../declare/index.ts'
import type { StoredRow } from './parameters.ts'

/**
 * How the values of a column travel: as one array in Postgres's binary format (`array_send`), which
 * costs the server less to read than a parameter for each value. Types whose binary form is their
 * text travel as text and are cast where the rows are made.
 */
interface Transport {
  /** Type of the array's elements, and its object id, which is the same in every server. */
  readonly element: string
  readonly oid: number
  readonly write: (value: never) => Buffer
}

const text = (value: string): Buffer => Buffer.from(value)
const TEXT = { element: 'text', oid: 25 } as const

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  uuid: { element: 'uuid', oid: 2950, write: (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex') },
  text: { ...TEXT, write: text },
  bytea: { element: 'bytea', oid: 17, write: (bytes: Buffer) => bytes },
  bigint: { element: 'bigint', oid: 20, write: (value: number) => fixed64('writeBigInt64BE', BigInt(value)) },
  'double precision': { element: 'double precision', oid: 701, write: writeDouble },
  boolean: { element: 'boolean', oid: 16, write: (value: boolean) => Buffer.of(value ? 1 : 0) },
  'timestamp(3) with time zone': { element: 'timestamptz', oid: 1184, write: writeMoment },
  date: { ...TEXT, write: text },
  jsonb: { ...TEXT, write: text },
  'text[]': { ...TEXT, write: (list: readonly string[]) => Buffer.from(arrayLiteral(list)) },
}

function fixed64(method: 'writeBigInt64BE', value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes[method](value)
  return bytes
}

function writeDouble(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  return bytes
}

/** Postgres counts microseconds from the year 2000. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)

function writeMoment(iso: string): Buffer {
  return fixed64('writeBigInt64BE', BigInt(Date.parse(iso) - POSTGRES_EPOCH_MS) * 1000n)
}

/** An array as text: every element in quotes, so that none is taken for NULL or a bracket. */
function arrayLiteral(list: readonly string[]): string {
  return `{${list.map((item) => `"${item.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`
}

/** One column of stored rows as a parameter. */
export function encodeColumn(resource: Resource, column: string, rows: readonly StoredRow[]): Buffer {
  const { oid, write } = transportOf(resource, column)
  const header = Buffer.allocUnsafe(20)
  // Dimensions, "may hold nulls", element type; then the length of the dimension and where it begins.
  for (const [i, word] of [1, 1, oid, rows.length, 1].entries()) header.writeInt32BE(word, i * 4)
  const parts: Buffer[] = [header]
  for (const row of rows) {
    const value = row.get(column)
    if (value === null || value === undefined) parts.push(NULL)
    else {
      const bytes = write(value as never)
      parts.push(lengthOf(bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

const NULL = Buffer.from([0xff, 0xff, 0xff, 0xff])

function lengthOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(length)
  return bytes
}

/** A column's array as the statement declares it, and the cast that its elements need. */
export function declareColumn(resource: Resource, column: string): { array: string; cast: string } {
  const type = typeOf(resource, column)
  const { element } = transportOf(resource, column)
  const isText = element === 'text' && type !== 'text'
  return { array: `${element}[]`, cast: isText ? `::${type}` : '' }
}

function transportOf(resource: Resource, column: string): Transport {
  return TRANSPORTS[typeOf(resource, column)]!
}

const known = new WeakMap<Resource, ReadonlyMap<string, string>>()

function typeOf(resource: Resource, column: string): string {
  const types = known.get(resource) ?? columnTypes(resource)
  known.set(resource, types)
  return types.get(column)!
}
