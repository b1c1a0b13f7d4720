import { randomBytes, type KeyObject } from 'node:crypto'
import { createPseudonym } from '../kernel/index.ts'
import { bucketOf } from './bucket-count.ts'
import type { BucketKey } from './bucket-keys.ts'
import { frame } from './frame.ts'
import { gcmOpen, gcmSeal, KEY_BYTES, NONCE_BYTES, TAG_BYTES, takeKey } from './gcm.ts'
import type { KeyOwner } from './tree.ts'

/** A data key's row, as far as it says whose it is. */
export interface DataKeyName extends KeyOwner {
  readonly id: string
  readonly bucket: number
}

const FORMAT = 0x01
const HEADER_BYTES = 5
const WRAPPED_BYTES = HEADER_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES

/** The name of a new data key: a random id, one of `buckets` buckets drawn from it. */
export function nameDataKey(owner: KeyOwner, buckets: number): DataKeyName {
  const id = createPseudonym()
  return { id, bucket: bucketOf(id, buckets), tenant: owner.tenant, subject: owner.subject }
}

/**
 * A fresh data key, wrapped by its bucket's key. Format 1:
 * `0x01 ‖ generation of the bucket key (uint32, big-endian) ‖ nonce ‖ AES-256-GCM(32 bytes) ‖ tag`,
 * bound to the header, id, bucket, tenant and subject.
 */
export function createDataKey(name: DataKeyName, bucket: BucketKey): { key: KeyObject; wrapped: Buffer } {
  const bytes = randomBytes(KEY_BYTES)
  const wrapped = wrapDataKey(name, bytes, bucket)
  return { key: takeKey(bytes), wrapped }
}

function wrapDataKey(name: DataKeyName, bytes: Buffer, bucket: BucketKey): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(FORMAT)
  header.writeUInt32BE(bucket.generation, 1)
  return gcmSeal(bucket.key, binding(header, name), bytes, header)
}

/** The same data key under the key of `to`, its bucket from now on; null when `from` does not open it. */
export function rewrapDataKey(
  name: DataKeyName,
  wrapped: Buffer,
  from: BucketKey,
  to: BucketKey,
): Buffer | null {
  const bytes = openDataKey(name, wrapped, from)
  if (bytes === null) return null
  const fresh = wrapDataKey({ ...name, bucket: to.bucket }, bytes, to)
  bytes.fill(0)
  return fresh
}

/** Generation of the bucket key that wrapped a data key; null when the bytes are malformed. */
export function generationOf(wrapped: Buffer): number | null {
  return wrapped.length === WRAPPED_BYTES && wrapped[0] === FORMAT ? wrapped.readUInt32BE(1) : null
}

/** The data key, or null when the row was edited, moved, or wrapped by another bucket key. */
export function unwrapDataKey(name: DataKeyName, wrapped: Buffer, bucket: BucketKey): KeyObject | null {
  const bytes = openDataKey(name, wrapped, bucket)
  return bytes === null ? null : takeKey(bytes)
}

function openDataKey(name: DataKeyName, wrapped: Buffer, bucket: BucketKey): Buffer | null {
  if (generationOf(wrapped) !== bucket.generation) return null
  const header = wrapped.subarray(0, HEADER_BYTES)
  return gcmOpen(bucket.key, binding(header, name), wrapped.subarray(HEADER_BYTES))
}

function binding(header: Uint8Array, { id, bucket, tenant, subject }: DataKeyName): Buffer {
  return frame('surety/data-key/1', header, id, String(bucket), tenant, subject)
}
