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
 * Searches any number of needles in one pass: a bitmap over the first three bytes rejects almost
 * every position, a map from those bytes names the candidates for the rest.
 */
export function createByteSearch(needles: readonly Needle[]): ByteSearch {
  const filter = new Uint8Array(1 << 21)
  const candidates = new Map<number, Needle[]>()
  for (const needle of needles) {
    if (needle.bytes.length < PREFIX) throw new RangeError('a needle has at least 3 bytes')
    const prefix = prefixAt(needle.bytes, 0)
    filter[prefix >> 3]! |= 1 << (prefix & 7)
    candidates.set(prefix, [...(candidates.get(prefix) ?? []), needle])
  }
  return {
    overlap: Math.max(PREFIX, ...needles.map(({ bytes }) => bytes.length)) - 1,
    scan(chunk, hit) {
      let prefix = 0
      for (let end = 0; end < chunk.length; end++) {
        prefix = ((prefix << 8) | chunk[end]!) & 0xff_ff_ff
        if ((filter[prefix >> 3]! & (1 << (prefix & 7))) === 0) continue
        const at = end - PREFIX + 1
        // Before the third byte the prefix is not one yet.
        if (at < 0) continue
        for (const needle of candidates.get(prefix) ?? [])
          if (matches(chunk, at, needle.bytes)) hit(needle, at)
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
