const LENGTH_BYTES = 4

/**
 * The parts, each behind its length in bytes (uint32, big-endian): two different lists never give
 * the same bytes. Text is UTF-8.
 */
export function frame(...parts: readonly (string | Uint8Array)[]): Buffer {
  let length = 0
  for (const part of parts) length += LENGTH_BYTES + Buffer.byteLength(part)
  const framed = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) {
    const start = at + LENGTH_BYTES
    const bytes = typeof part === 'string' ? framed.write(part, start) : part.length
    if (typeof part !== 'string') framed.set(part, start)
    framed.writeUInt32BE(bytes, at)
    at = start + bytes
  }
  return framed
}
