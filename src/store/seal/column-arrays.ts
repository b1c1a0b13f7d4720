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
  readonly write: (array: ArrayBytes, value: never) => void
}

const TEXT = {
  element: 'text',
  oid: 25,
  write: (array: ArrayBytes, text: string) => array.text(text),
} as const

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  uuid: { element: 'uuid', oid: 2950, write: (array, id: string) => array.uuid(id) },
  text: TEXT,
  bytea: { element: 'bytea', oid: 17, write: (array, bytes: Buffer) => array.bytes(bytes) },
  bigint: { element: 'bigint', oid: 20, write: (array, value: number) => array.int64(BigInt(value)) },
  'double precision': {
    ...{ element: 'double precision', oid: 701 },
    write: (array, value: number) => array.double(value),
  },
  boolean: { element: 'boolean', oid: 16, write: (array, value: boolean) => array.boolean(value) },
  'timestamp(3) with time zone': {
    ...{ element: 'timestamptz', oid: 1184 },
    write: (array, iso: string) => array.int64(BigInt(Date.parse(iso) - POSTGRES_EPOCH_MS) * 1000n),
  },
  date: TEXT,
  jsonb: TEXT,
  'text[]': {
    ...TEXT,
    write: (array, list: readonly string[]) => array.text(arrayLiteral(list)),
  },
}

/** Postgres counts microseconds from the year 2000. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)

/** An array as text: every element in quotes, so that none is taken for NULL or a bracket. */
function arrayLiteral(list: readonly string[]): string {
  return `{${list.map((item) => `"${item.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`
}

const HEADER_BYTES = 20
const LENGTH_BYTES = 4
const UUID_BYTES = 16
/** Room that is taken for an element before its length is known. */
const USUAL_BYTES = 48
/** Most bytes that a code unit takes in UTF-8. */
const CODE_UNIT_BYTES = 3

/** The bytes of an array of one dimension, made element by element, each behind its length. */
class ArrayBytes {
  #bytes: Buffer
  #end = HEADER_BYTES

  constructor(oid: number, count: number) {
    this.#bytes = Buffer.allocUnsafe(HEADER_BYTES + count * USUAL_BYTES)
    // Dimensions, "may hold nulls", element type; then the length of the dimension and where it begins.
    for (const [i, word] of [1, 1, oid, count, 1].entries()) this.#bytes.writeInt32BE(word, i * 4)
  }

  get made(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  null(): void {
    this.#add(0, () => -1)
  }

  text(text: string): void {
    this.#add(text.length * CODE_UNIT_BYTES, (bytes, at) => bytes.write(text, at))
  }

  uuid(id: string): void {
    this.#add(UUID_BYTES, (bytes, at) => bytes.write(id.replaceAll('-', ''), at, 'hex'))
  }

  bytes(value: Buffer): void {
    this.#add(value.length, (bytes, at) => value.copy(bytes, at))
  }

  int64(value: bigint): void {
    this.#add(8, (bytes, at) => bytes.writeBigInt64BE(value, at) - at)
  }

  double(value: number): void {
    this.#add(8, (bytes, at) => bytes.writeDoubleBE(value, at) - at)
  }

  boolean(value: boolean): void {
    this.#add(1, (bytes, at) => bytes.writeUInt8(value ? 1 : 0, at) - at)
  }

  /** @param write returns how many bytes it wrote, at most `most`; -1 for no element */
  #add(most: number, write: (bytes: Buffer, at: number) => number): void {
    const at = this.#end + LENGTH_BYTES
    if (at + most > this.#bytes.length) {
      const larger = Buffer.allocUnsafe((at + most) * 2)
      this.#bytes.copy(larger, 0, 0, this.#end)
      this.#bytes = larger
    }
    const length = write(this.#bytes, at)
    this.#bytes.writeInt32BE(length, this.#end)
    this.#end = at + Math.max(length, 0)
  }
}

/** One column of stored rows as a parameter. */
export function encodeColumn(resource: Resource, column: string, rows: readonly StoredRow[]): Buffer {
  const { oid, write } = transportOf(resource, column)
  const array = new ArrayBytes(oid, rows.length)
  for (const row of rows) {
    const value = row.get(column)
    if (value === null || value === undefined) array.null()
    else write(array, value as never)
  }
  return array.made
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
