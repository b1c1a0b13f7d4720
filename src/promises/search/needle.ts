import { utf8 } from '../../kernel/index.ts'

/** Least length of a searched value: shorter ones occur by chance. */
export const MIN_NEEDLE_BYTES = 8

/** One encoded form of a value that must not be found. */
export interface Needle {
  /** What it stands for, in words that may be shown: never the value itself. */
  readonly label: string
  readonly encoding: 'plain' | 'utf-16le' | 'utf-16be' | 'hex' | 'HEX' | 'base64' | 'base64url'
  readonly bytes: Uint8Array
}

/** All forms in which a text could lie in a file: UTF-8, UTF-16, hex and base64 at every alignment. */
export function textNeedles(label: string, text: string): Needle[] {
  const little = utf16(text, true)
  const big = utf16(text, false)
  return [
    ...bytesNeedles(label, utf8(text)),
    { label, encoding: 'utf-16le', bytes: little },
    { label, encoding: 'utf-16be', bytes: big },
  ]
}

/** All forms in which bytes (a key, say) could lie in a file. */
export function bytesNeedles(label: string, bytes: Uint8Array): Needle[] {
  if (bytes.length < MIN_NEEDLE_BYTES) throw new RangeError(`a needle has at least ${MIN_NEEDLE_BYTES} bytes`)
  const hex = Buffer.from(bytes).toString('hex')
  return [
    { label, encoding: 'plain', bytes },
    { label, encoding: 'hex', bytes: utf8(hex) },
    { label, encoding: 'HEX', bytes: utf8(hex.toUpperCase()) },
    ...base64Needles(label, bytes),
  ]
}

/**
 * Base64 depends on where the value begins modulo 3. For each alignment, the characters that also
 * depend on the neighbouring bytes are left off.
 */
function base64Needles(label: string, bytes: Uint8Array): Needle[] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    const from = Math.ceil((shift * 8) / 6)
    const to = Math.floor((padded.length * 8) / 6)
    return (['base64', 'base64url'] as const).map((encoding) => ({
      label,
      encoding,
      bytes: utf8(padded.toString(encoding).slice(from, to)),
    }))
  })
}

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), littleEndian)
  return bytes
}
