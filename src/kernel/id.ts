import { toHex } from './bytes.ts'
import type { Clock } from './clock.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** True for a lower-case UUID of any version (RFC 9562). */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}

/**
 * A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits.
 * Row ids: they sort by the time of receipt, so retention can count from them.
 */
export function createId(clock: Clock): string {
  const bytes = randomId()
  let time = clock.now()
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256
    time = Math.floor(time / 256)
  }
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatId(bytes)
}

const ID_BYTES = 16
const random = new Uint8Array(ID_BYTES * 64)
let used = random.length

/** Fresh random bytes of an id, the caller's own. One call to the random generator serves 64 ids. */
function randomId(): Uint8Array {
  if (used === random.length) {
    crypto.getRandomValues(random)
    used = 0
  }
  used += ID_BYTES
  return random.subarray(used - ID_BYTES, used)
}

/** A random pseudonym (UUIDv4) for a person or tenant: it tells nothing, not even when it was made. */
export function createPseudonym(): string {
  return crypto.randomUUID()
}

/** Unix milliseconds inside a UUIDv7. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** The canonical text of 16 bytes. */
export function formatId(bytes: Uint8Array): string {
  const hex = toHex(bytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The 16 bytes of a UUID's text. */
export function parseId(id: string): Uint8Array {
  if (!isId(id)) throw new TypeError('not a UUID')
  const bytes = new Uint8Array(16)
  let at = 0
  for (let i = 0; i < id.length; i += 2) {
    if (id.charCodeAt(i) === HYPHEN) i++
    bytes[at++] = nibble(id.charCodeAt(i)) * 16 + nibble(id.charCodeAt(i + 1))
  }
  return bytes
}

const HYPHEN = 0x2d

/** The value of a lower-case hexadecimal digit. */
function nibble(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57
}
