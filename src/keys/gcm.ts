import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  type KeyObject,
} from 'node:crypto'

export const NONCE_BYTES = 12
export const TAG_BYTES = 16
export const KEY_BYTES = 32

const OPTIONS = { authTagLength: TAG_BYTES }

const pool = new Uint8Array(NONCE_BYTES * 512)
let used = pool.length
const nonce = new Uint8Array(NONCE_BYTES)

/**
 * Fills {@link nonce} with random bytes that are used once. One call to the random generator serves 512
 * nonces: alone it would cost more than sealing.
 */
function nextNonce(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  for (let i = 0; i < NONCE_BYTES; i++) {
    nonce[i] = pool[used]!
    pool[used++] = 0
  }
  return nonce
}

const NOTHING = Buffer.alloc(0)

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: `nonce ‖ ciphertext ‖ tag`, behind
 * `header` as it is, which is authenticated only where it is part of `associated`.
 * A key may seal at most 2³² times (§8.3).
 */
export function gcmSeal(
  key: KeyObject,
  associated: Uint8Array,
  plaintext: Uint8Array,
  header: Uint8Array = NOTHING,
): Buffer {
  const start = header.length + NONCE_BYTES
  const end = start + plaintext.length
  const sealed = Buffer.allocUnsafe(end + TAG_BYTES)
  sealed.set(header)
  sealed.set(nextNonce(), header.length)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, OPTIONS)
  cipher.setAAD(associated)
  sealed.set(cipher.update(plaintext), start)
  // A counter mode has no last block: all ciphertext came with the update (SP 800-38D §6.5).
  cipher.final()
  sealed.set(cipher.getAuthTag(), end)
  return sealed
}

const tag = new Uint8Array(TAG_BYTES)

/**
 * The plaintext, or null when anything does not match.
 * @param from bytes that stand before the nonce
 */
export function gcmOpen(key: KeyObject, associated: Uint8Array, sealed: Uint8Array, from = 0): Buffer | null {
  const start = from + NONCE_BYTES
  const end = sealed.length - TAG_BYTES
  if (end < start) return null
  // Both are read at once; a view of the bytes would cost more than the copy.
  for (let i = 0; i < NONCE_BYTES; i++) nonce[i] = sealed[from + i]!
  for (let i = 0; i < TAG_BYTES; i++) tag[i] = sealed[end + i]!
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, OPTIONS)
  decipher.setAAD(associated)
  decipher.setAuthTag(tag)
  try {
    const plaintext = decipher.update(sealed.subarray(start, end))
    // Holds the tag against what was read; of the plaintext itself nothing is left for it.
    decipher.final()
    return plaintext
  } catch {
    return null
  }
}

/** A KeyObject of 32 bytes, which are wiped: on Node 24 a Buffer as key costs 4.7 times as much. */
export function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
