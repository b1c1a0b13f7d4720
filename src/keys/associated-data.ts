import { frame } from './frame.ts'
import { digestOfClear, HEADER_BYTES, type RowLayout } from './row-layout.ts'

const DIGEST_BYTES = 32

/** Column values of a row, as far as they are ids: anything else counts as empty. */
export function idIn(clear: Readonly<Record<string, unknown>>, column: string | null): string {
  const value = column === null ? null : clear[column]
  return typeof value === 'string' ? value : ''
}

/**
 * What the envelopes of one layout authenticate beside their ciphertext (`sealRow` says which bytes),
 * made in one place: rows of the same tenant and subject, as a statement mostly meets them, differ
 * in header, row id and digest only.
 */
export class AssociatedData {
  readonly #layout: RowLayout
  #bytes = Buffer.alloc(0)
  #tenant = ''
  #subject = ''
  #idAt = 0
  #idBytes = -1

  constructor(layout: RowLayout) {
    this.#layout = layout
  }

  /**
   * The bytes for one row; the next call overwrites them.
   * @param header bytes that begin with the header
   */
  of(header: Uint8Array, clear: Readonly<Record<string, unknown>>): Uint8Array {
    const layout = this.#layout
    const tenant = idIn(clear, layout.tenant)
    const subject = idIn(clear, layout.subject)
    const id = idIn(clear, 'id')
    const isLaid =
      tenant === this.#tenant && subject === this.#subject && Buffer.byteLength(id) === this.#idBytes
    if (!isLaid) this.#lay(tenant, id, subject)
    const bytes = this.#bytes
    for (let i = 0; i < HEADER_BYTES; i++) bytes[i] = header[i]!
    bytes.write(id, this.#idAt)
    bytes.write(digestOfClear(layout, clear), bytes.length - DIGEST_BYTES, 'hex')
    return bytes
  }

  #lay(tenant: string, id: string, subject: string): void {
    const { label, resource, about } = this.#layout
    const before = frame(label, tenant, resource, id)
    const after = frame(...(about === null ? [subject] : [about, subject]))
    this.#bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), before, after, Buffer.alloc(DIGEST_BYTES)])
    this.#tenant = tenant
    this.#subject = subject
    this.#idBytes = Buffer.byteLength(id)
    this.#idAt = HEADER_BYTES + before.length - this.#idBytes
  }
}
