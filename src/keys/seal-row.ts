import { createHmac, type KeyObject } from 'node:crypto'
import type { Resource } from '../declare/index.ts'
import { canonicalBytes, formatId, parseId } from '../kernel/index.ts'
import { AssociatedData, idIn } from './associated-data.ts'
import { KeysError } from './errors.ts'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'
import { canonicalRow, readValues } from './row-bytes.ts'
import { FORMAT, FORMAT_OF_SEVERAL, HEADER_BYTES, layoutOf, type RowLayout } from './row-layout.ts'
import type { DataKey, KeyOwner } from './tree.ts'

/**
 * The envelope of a row, format 1; all its sealed fields in one:
 *
 * ```
 * 0x01                      format
 * 0x01                      algorithm: AES-256-GCM
 * uint16, big-endian        schema version of the resource
 * 16 bytes                  data key id
 * 12 bytes                  random nonce
 * …                         ciphertext of the canonical JSON object (RFC 8785) of the sealed fields
 * 16 bytes                  tag
 * ```
 *
 * Authenticated beside it: the first 20 bytes; then, each behind its length, `surety/row/1`, tenant,
 * resource, row id, subject (empty where there is none); then SHA-256 of the canonical JSON object of
 * the clear columns that are not null, `id` and `createdAt` included. So a value does not open when
 * it was moved to another row, column, subject or tenant, or when a clear column beside it changed:
 * whoever updates a clear column of a sealing resource seals the row again. A column that is added
 * later is null in old rows and leaves them as they are.
 *
 * Format 2 is one of several envelopes of a row about several subjects. It differs in the first byte,
 * 0x02; in the label, `surety/row/2`; in one more part before the subject, the name of the column that
 * names them; and in the digest, which covers the clear columns that are about all subjects or this one.
 *
 * What it does not do: hide the length of the sealed values, or that an old envelope of the same row
 * with the same clear columns was put back.
 */
const ALGORITHM = 0x01
/** Where the data key's id stands in the header. */
const ID_AT = 4

/** The header of the row that is being sealed: whoever takes it copies it. */
const header = new Uint8Array(HEADER_BYTES)

/** Bytes that sealing adds to the canonical JSON. */
export const ENVELOPE_OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/** Where a row stands: its resource, and all its clear columns with `id` and `createdAt`, as JavaScript values. */
export interface RowContext {
  readonly resource: Resource
  readonly clear: Readonly<Record<string, unknown>>
  /** The subject whose envelope it is, by its id column, where the resource has several. Default: none. */
  readonly about?: string | null
}

export interface EnvelopeHeader {
  readonly schemaVersion: number
  readonly dataKeyId: string
}

/**
 * Seals the sealed fields of one row. Values that are null or absent are left out.
 * @throws KeysError `ERR_KEYS_OWNER` when the key is not the row's tenant's and subject's
 */
export function sealRow(
  dataKey: DataKey,
  context: RowContext,
  values: Readonly<Record<string, unknown>>,
): Buffer {
  const { resource, clear, about } = context
  const layout = layoutOf(resource, about)
  requireOwner(dataKey, layout, context)
  header[0] = layout.format
  header[1] = ALGORITHM
  header[2] = resource.schemaVersion >> 8
  header[3] = resource.schemaVersion
  header.set(bytesOfId(dataKey.id), ID_AT)
  const text = canonicalRow(values, layout.sealed)
  return gcmSeal(dataKey.key, associated(layout, header, clear), Buffer.from(text), header)
}

/**
 * The sealed fields of one row; null for fields the envelope does not hold.
 * @throws KeysError `ERR_KEYS_ENVELOPE_FORMAT`, `ERR_KEYS_ENVELOPE_OPEN` naming resource and row id only
 */
export function openRow(
  dataKey: DataKey,
  context: RowContext,
  envelope: Uint8Array,
): Record<string, unknown> {
  const { resource, clear, about } = context
  const layout = layoutOf(resource, about)
  requireFormat(envelope)
  const mine =
    dataKeyIdIn(envelope) === dataKey.id && isOwner(dataKey, layout, clear) && envelope[0] === layout.format
  const plaintext = mine
    ? gcmOpen(dataKey.key, associated(layout, envelope, clear), envelope, HEADER_BYTES)
    : null
  if (plaintext === null) {
    throw new KeysError(
      'ERR_KEYS_ENVELOPE_OPEN',
      `the envelope of ${resource.name} ${String(clear['id'])} does not open`,
    )
  }
  const stored = JSON.parse(plaintext.toString('utf8')) as Record<string, unknown>
  return readValues(resource.fields, layout.sealed, stored)
}

/**
 * The header of an envelope: which data key to fetch. Nothing in it is authentic until the row opens.
 * @throws KeysError `ERR_KEYS_ENVELOPE_FORMAT`
 */
export function readHeader(envelope: Uint8Array): EnvelopeHeader {
  requireFormat(envelope)
  return { schemaVersion: envelope[2]! * 256 + envelope[3]!, dataKeyId: dataKeyIdIn(envelope) }
}

function requireFormat(envelope: Uint8Array): void {
  const known = envelope[0] === FORMAT || envelope[0] === FORMAT_OF_SEVERAL
  if (envelope.length < ENVELOPE_OVERHEAD_BYTES || !known || envelope[1] !== ALGORITHM) {
    throw new KeysError('ERR_KEYS_ENVELOPE_FORMAT', 'the bytes are no envelope of format 1 or 2')
  }
}

/** The data key's id that came up last, and its bytes: rows that come together mostly name the same. */
const lastIdBytes = new Uint8Array(HEADER_BYTES - ID_AT)
let lastId = formatId(lastIdBytes)

function dataKeyIdIn(envelope: Uint8Array): string {
  let at = 0
  while (at < lastIdBytes.length && envelope[ID_AT + at] === lastIdBytes[at]) at++
  if (at < lastIdBytes.length) {
    lastIdBytes.set(envelope.subarray(ID_AT, HEADER_BYTES))
    lastId = formatId(lastIdBytes)
  }
  return lastId
}

function bytesOfId(id: string): Uint8Array {
  if (id !== lastId) {
    lastIdBytes.set(parseId(id))
    lastId = id
  }
  return lastIdBytes
}

/** Bytes of {@link blindIndex}. */
export const BLIND_INDEX_BYTES = 32

/**
 * A blind index: HMAC-SHA-256 over the canonical JSON of the value, in full. Equal values give
 * equal bytes and nothing else does; text counts by its exact code units, without normalising or
 * folding case, so a caller that wants `Ada` to find `ada` folds before it stores and before it asks.
 *
 * It shows which rows of a tenant hold equal values, and how often.
 * @throws TypeError for text with a lone surrogate and for numbers that are not finite
 */
export function blindIndex(key: KeyObject, value: string | number | boolean): Buffer {
  return createHmac('sha256', key).update(canonicalBytes(value)).digest()
}

const places = new WeakMap<RowLayout, AssociatedData>()

function associated(layout: RowLayout, header: Uint8Array, clear: RowContext['clear']): Uint8Array {
  let place = places.get(layout)
  if (place === undefined) places.set(layout, (place = new AssociatedData(layout)))
  return place.of(header, clear)
}

/**
 * Whose data key seals a row: its tenant's and subject's; for rows sealed for a tenant, the
 * tenant's own. The ids are empty where the row does not name them.
 */
export function keyOwnerOf({ resource, clear, about }: RowContext): KeyOwner {
  const { tenant, owner } = layoutOf(resource, about)
  return { tenant: idIn(clear, tenant), subject: idIn(clear, owner) }
}

function isOwner(dataKey: DataKey, { tenant, owner }: RowLayout, clear: RowContext['clear']): boolean {
  return dataKey.tenant === idIn(clear, tenant) && dataKey.subject === idIn(clear, owner)
}

function requireOwner(dataKey: DataKey, layout: RowLayout, { resource, clear }: RowContext): void {
  if (isOwner(dataKey, layout, clear)) return
  throw new KeysError(
    'ERR_KEYS_OWNER',
    `a row of ${resource.name} was to be sealed with a data key that is not its own`,
  )
}
