/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32

const BLOCK_BYTES = 64

/** Constants of the rounds (FIPS 180-4 §4.2.2). */
// prettier-ignore
const K = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)

/** The hash of nothing yet (FIPS 180-4 §5.3.3). */
// prettier-ignore
const START = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
)

const schedule = new Int32Array(64)
const state = new Int32Array(8)
/** Room for one padded message: the largest entry of a log, and more. All zero between two calls. */
const room = new Uint8Array(66_560)
const roomView = new DataView(room.buffer)

/**
 * SHA-256 (FIPS 180-4) of the parts one after the other; the same code in Node and browsers.
 *
 * A verifier hashes some 200,000 short messages: one call takes a third of what WebCrypto needs, which
 * answers by a promise only, and allocates nothing but the hash.
 */
export function hashBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  // A bit and the length in 8 bytes follow the message, and fill up its last block (§5.1.1).
  const end = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES
  const message = end <= room.length ? room : new Uint8Array(end)
  const view = message === room ? roomView : new DataView(message.buffer)
  let at = 0
  for (const part of parts) {
    message.set(part, at)
    at += part.length
  }
  message[length] = 0x80
  view.setUint32(end - 8, Math.floor(length / 2 ** 29))
  view.setUint32(end - 4, length * 8)
  state.set(START)
  for (let block = 0; block < end; block += BLOCK_BYTES) {
    expand(view, block)
    compress()
  }
  message.fill(0, 0, end)
  return hashOf(state)
}

/** The message schedule of a block (FIPS 180-4 §6.2.2, step 1). */
function expand(message: DataView, block: number): void {
  const w = schedule
  for (let t = 0; t < 16; t++) w[t] = message.getInt32(block + 4 * t)
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!
    const y = w[t - 2]!
    const sigma0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const sigma1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[t] = (sigma1 + w[t - 7]! + sigma0 + w[t - 16]!) | 0
  }
}

/** The 64 rounds over the schedule (FIPS 180-4 §6.2.2, steps 2 to 4). */
function compress(): void {
  const w = schedule
  const k = K
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let f = state[5]!
  let g = state[6]!
  let h = state[7]!
  for (let t = 0; t < 64; t++) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const chosen = g ^ (e & (f ^ g))
    const t1 = (h + sum1 + chosen + k[t]! + w[t]!) | 0
    const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const majority = (a & b) ^ (c & (a ^ b))
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + sum0 + majority) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

function hashOf(words: Int32Array): Uint8Array {
  const hash = new Uint8Array(HASH_BYTES)
  for (let i = 0; i < 8; i++) {
    const word = words[i]!
    hash[4 * i] = word >>> 24
    hash[4 * i + 1] = word >>> 16
    hash[4 * i + 2] = word >>> 8
    hash[4 * i + 3] = word
  }
  return hash
}
