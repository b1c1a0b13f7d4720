import { createHmac, hash, type KeyObject } from 'node:crypto'
import {
  clearFields,
  IMPLICIT_COLUMNS,
  keyOwnerColumn,
  sealedFields,
  tenantColumn,
  type Resource,
} from '../declare/index.ts'
import { canonicalBytes, formatId, parseId } from '../kernel/index.ts'
import { KeysError } from './errors.ts'
import { frame } from './frame.ts'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'
import { canonicalRow, inCanonicalOrder, readValues, type NamedColumn } from './row-bytes.ts'
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
 * What it does not do: hide the length of the sealed values, or that an old envelope of the same row
 * with the same clear columns was put back.
 */
const FORMAT = 0x01
const ALGORITHM = 0x01
const HEADER_BYTES = 20
const LABEL = 'surety/row/1'

/** Bytes that sealing adds to the canonical JSON. */
export const ENVELOPE_OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/** Where a row stands: its resource, and all its clear columns with `id` and `createdAt`, as JavaScript values. */
export interface RowContext {
  readonly resource: Resource
  readonly clear: Readonly<Record<string, unknown>>
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
  requireOwner(dataKey, context)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(FORMAT, 0)
  header.writeUInt8(ALGORITHM, 1)
  header.writeUInt16BE(context.resource.schemaVersion, 2)
  header.set(parseId(dataKey.id), 4)
  const plaintext = canonicalRow(values, columnsOf(context.resource).sealed)
  return Buffer.concat([header, gcmSeal(dataKey.key, associated(header, context), plaintext)])
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
  const { resource } = context
  const { dataKeyId } = readHeader(envelope)
  const header = envelope.subarray(0, HEADER_BYTES)
  const mine = dataKeyId === dataKey.id && isOwner(dataKey, context)
  const plaintext = mine
    ? gcmOpen(dataKey.key, associated(header, context), envelope.subarray(HEADER_BYTES))
    : null
  if (plaintext === null) {
    throw new KeysError(
      'ERR_KEYS_ENVELOPE_OPEN',
      `the envelope of ${resource.name} ${String(context.clear['id'])} does not open`,
    )
  }
  const stored = JSON.parse(plaintext.toString('utf8')) as Record<string, unknown>
  return readValues(resource.fields, sealedFields(resource), stored)
}

/**
 * The header of an envelope: which data key to fetch. Nothing in it is authentic until the row opens.
 * @throws KeysError `ERR_KEYS_ENVELOPE_FORMAT`
 */
export function readHeader(envelope: Uint8Array): EnvelopeHeader {
  if (envelope.length < ENVELOPE_OVERHEAD_BYTES || envelope[0] !== FORMAT || envelope[1] !== ALGORITHM) {
    throw new KeysError('ERR_KEYS_ENVELOPE_FORMAT', 'the bytes are no envelope of format 1')
  }
  return {
    schemaVersion: envelope[2]! * 256 + envelope[3]!,
    dataKeyId: formatId(envelope.subarray(4, HEADER_BYTES)),
  }
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

function associated(header: Uint8Array, { resource, clear }: RowContext): Buffer {
  const digest = hash('sha256', canonicalRow(clear, columnsOf(resource).clear), 'buffer')
  const place = frame(
    LABEL,
    idIn(clear, tenantColumn(resource)),
    resource.name,
    idIn(clear, 'id'),
    idIn(clear, resource.subject),
  )
  return Buffer.concat([header, place, digest])
}

interface Columns {
  readonly sealed: readonly NamedColumn[]
  readonly clear: readonly NamedColumn[]
}

const ordered = new WeakMap<Resource, Columns>()

function columnsOf(resource: Resource): Columns {
  const known = ordered.get(resource)
  if (known) return known
  const columns = {
    sealed: inCanonicalOrder(sealedFields(resource)),
    clear: inCanonicalOrder([...IMPLICIT_COLUMNS, ...clearFields(resource)]),
  }
  ordered.set(resource, columns)
  return columns
}

function idIn(clear: Readonly<Record<string, unknown>>, column: string | null): string {
  const value = column === null ? null : clear[column]
  return typeof value === 'string' ? value : ''
}

/**
 * Whose data key seals a row: its tenant's and subject's; for rows sealed for a tenant, the
 * tenant's own. The ids are empty where the row does not name them.
 */
export function keyOwnerOf({ resource, clear }: RowContext): KeyOwner {
  return { tenant: idIn(clear, tenantColumn(resource)), subject: idIn(clear, keyOwnerColumn(resource)) }
}

function isOwner(dataKey: DataKey, context: RowContext): boolean {
  const { tenant, subject } = keyOwnerOf(context)
  return dataKey.tenant === tenant && dataKey.subject === subject
}

function requireOwner(dataKey: DataKey, context: RowContext): void {
  if (isOwner(dataKey, context)) return
  throw new KeysError(
    'ERR_KEYS_OWNER',
    `a row of ${context.resource.name} was to be sealed with a data key that is not its own`,
  )
}
