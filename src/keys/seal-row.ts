import { createHmac, type KeyObject } from 'node:crypto'
import type { Resource } from '../declare/index.ts'
import { canonicalBytes, formatId, parseId } from '../kernel/index.ts'
import { KeysError } from './errors.ts'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'
import { canonicalRow, readValues } from './row-bytes.ts'
import { layoutOf } from './row-layout.ts'
import { associated, HEADER_BYTES, idIn } from './row-place.ts'
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
const FORMAT = 0x01
const FORMAT_OF_SEVERAL = 0x02
const ALGORITHM = 0x01

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
  requireOwner(dataKey, context)
  const layout = layoutOf(context.resource, context.about)
  const header = headerOf(dataKey, context)
  const plaintext = Buffer.from(canonicalRow(values, layout.sealed))
  return gcmSeal(dataKey.key, associated(header, context, layout), plaintext, header)
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
  const layout = layoutOf(resource, context.about)
  const { dataKeyId } = readHeader(envelope)
  const header = envelope.subarray(0, HEADER_BYTES)
  const mine = dataKeyId === dataKey.id && isOwner(dataKey, context) && envelope[0] === formatOf(context)
  const plaintext = mine
    ? gcmOpen(dataKey.key, associated(header, context, layout), envelope.subarray(HEADER_BYTES))
    : null
  if (plaintext === null) {
    throw new KeysError(
      'ERR_KEYS_ENVELOPE_OPEN',
      `the envelope of ${resource.name} ${String(context.clear['id'])} does not open`,
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
  const known = envelope[0] === FORMAT || envelope[0] === FORMAT_OF_SEVERAL
  if (envelope.length < ENVELOPE_OVERHEAD_BYTES || !known || envelope[1] !== ALGORITHM) {
    throw new KeysError('ERR_KEYS_ENVELOPE_FORMAT', 'the bytes are no envelope of format 1 or 2')
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

const lastHeader = new Uint8Array(HEADER_BYTES)
let lastKeyId = ''

/** The bytes are good until the next call. Many rows in turn are sealed with one key. */
function headerOf({ id }: DataKey, context: RowContext): Uint8Array {
  const { schemaVersion } = context.resource
  if (id !== lastKeyId) lastHeader.set(parseId(id), 4)
  lastKeyId = id
  lastHeader[0] = formatOf(context)
  lastHeader[1] = ALGORITHM
  lastHeader[2] = schemaVersion >> 8
  lastHeader[3] = schemaVersion
  return lastHeader
}

function formatOf({ about = null }: RowContext): number {
  return about === null ? FORMAT : FORMAT_OF_SEVERAL
}

/**
 * Whose data key seals a row: its tenant's and subject's; for rows sealed for a tenant, the
 * tenant's own. The ids are empty where the row does not name them.
 */
export function keyOwnerOf({ resource, clear, about }: RowContext): KeyOwner {
  const { tenant, owner } = layoutOf(resource, about)
  return { tenant: idIn(clear, tenant), subject: idIn(clear, owner) }
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
