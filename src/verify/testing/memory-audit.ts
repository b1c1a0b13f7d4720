import { toBase64, utf8 } from '../../kernel/index.ts'
import { formatCheckpoint } from '../checkpoint.ts'
import type { Observed } from '../entry.ts'
import { createHashTree } from '../hash-tree.ts'
import type { HashTree } from '../hash-tree.ts'
import { hashLeaf } from '../merkle.ts'
import { formatVerifierKey, signNote } from '../note.ts'
import { AUDIT_PATH } from '../source.ts'
import { tilePath, tilesOf, TILE_WIDTH } from '../tile.ts'
import { createSigner } from './memory-site.ts'

export const AUDIT_ORIGIN = 'shop.example/audit'

/** The audit log of a site in memory, served honestly until a test makes it lie. */
export class MemoryAudit {
  signer = createSigner(AUDIT_ORIGIN)
  leaves: Uint8Array[] = []
  readonly #files: Map<string, Uint8Array>
  /** What it was when it was published first. */
  first: Observed['values'] = {}

  /** @param files where the site serves from */
  constructor(files: Map<string, Uint8Array>) {
    this.#files = files
  }

  grow(entries: number): this {
    for (let i = 0; i < entries; i++) this.leaves.push(crypto.getRandomValues(new Uint8Array(32)))
    return this
  }

  /** What a result of `monitor.audit-trail` would say of it now. */
  recorded(): Observed['values'] {
    const root = toBase64(this.#tree().root())
    return { auditSize: this.leaves.length, auditRoot: root, auditVkey: formatVerifierKey(this.signer.key) }
  }

  async publish(): Promise<this> {
    const tree = this.#tree()
    for (const tile of tilesOf(this.leaves.length)) {
      const hashes = Array.from({ length: tile.width }, (_, i) =>
        tree.read(Number(tile.level) * 8, tile.index * TILE_WIDTH + i),
      )
      this.#put(tilePath(tile), new Uint8Array(hashes.flatMap((hash) => [...hash])))
    }
    const head = { origin: this.signer.key.name, size: this.leaves.length, rootHash: tree.root() }
    this.#put('checkpoint', utf8(await signNote(formatCheckpoint(head), this.signer)))
    this.#put('vkey', utf8(`${formatVerifierKey(this.signer.key)}\n`))
    if (Object.keys(this.first).length === 0) this.first = this.recorded()
    return this
  }

  #put(path: string, bytes: Uint8Array): void {
    this.#files.set(AUDIT_PATH + path, bytes)
  }

  #tree(): HashTree {
    const tree = createHashTree()
    for (const leaf of this.leaves) tree.append(hashLeaf(leaf))
    return tree
  }
}
