import type { Needle } from './needle.ts'

export interface ByteSearch {
  /** Bytes of a needle's greatest length, less one: what neighbouring chunks must share. */
  readonly overlap: number
  /** Calls `hit` for every needle found in `chunk`, with its offset. */
  scan(chunk: Uint8Array, hit: (needle: Needle, offset: number) => void): void
}

/** Least length that the first-bytes filter needs. */
const PREFIX = 3

/**
 * Searches any number of needles in one pass. A bitmap over two bytes, small enough for the processor's
 * nearest cache, rejects almost every position; a map from three bytes names the candidates for the rest.
 */
export function createByteSearch(needles: readonly Needle[]): ByteSearch {
  const filter = new Uint8Array(1 << 13)
  const candidates = new Map<number, Needle[]>()
  for (const needle of needles) {
    if (needle.bytes.length < PREFIX) throw new RangeError('a needle has at least 3 bytes')
    const prefix = prefixAt(needle.bytes, 0)
    filter[prefix >> 11]! |= 1 << ((prefix >> 8) & 7)
    candidates.set(prefix, [...(candidates.get(prefix) ?? []), needle])
  }
  return {
    overlap: Math.max(PREFIX, ...needles.map(({ bytes }) => bytes.length)) - 1,
    scan(chunk, hit) {
      const last = chunk.length - PREFIX
      let pair = chunk[0] ?? 0
      for (let at = 0; at <= last; at++) {
        pair = ((pair << 8) | chunk[at + 1]!) & 0xff_ff
        if ((filter[pair >> 3]! & (1 << (pair & 7))) === 0) continue
        for (const needle of candidates.get((pair << 8) | chunk[at + 2]!) ?? []) {
          if (matches(chunk, at, needle.bytes)) hit(needle, at)
        }
      }
    },
  }
}

function prefixAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

function matches(chunk: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > chunk.length) return false
  for (let i = PREFIX; i < needle.length; i++) if (chunk[at + i] !== needle[i]) return false
  return true
}
