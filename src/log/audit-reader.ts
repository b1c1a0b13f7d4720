import { equalBytes } from '../kernel/index.ts'
import { rootAt, tileHashReader, TILE_WIDTH, tileWidth } from '../verify/index.ts'
import type { VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'
import { createLeafIndex } from './leaf-index.ts'
import { readBundle, readPublished, readTile, scanFolder } from './published.ts'
import type { PublishedCheckpoint } from './published.ts'
import { proveLeaf } from './reader.ts'

/** Where a leaf stands, and the proof of it. */
export interface ProvenLeaf {
  readonly index: number
  /** Text of the tlog-proof (C2SP tlog-proof). */
  readonly proof: string
}

/** Reads the published leaves of the audit log; none of it needs a key that opens bodies. */
export interface AuditReader {
  /** The present checkpoint, its signature checked; null before the first. @throws LogError `ERR_LOG_TAMPERED` */
  checkpoint(): Promise<PublishedCheckpoint | null>
  /**
   * Reads the log from its first leaf to its last and holds every tile, the root and the signature
   * against it; null before the first checkpoint. @throws LogError `ERR_LOG_TAMPERED`
   */
  verifyWhole(): Promise<PublishedCheckpoint | null>
  /** Root of the first `size` leaves of the present log. @throws LogError `ERR_LOG_NO_ENTRY` beyond its end */
  rootAt(size: number): Promise<Uint8Array>
  /** Proves a leaf, the newest of those like it; null where the log has no such leaf. */
  prove(leaf: Uint8Array): Promise<ProvenLeaf | null>
}

export function createAuditReader(folder: LogFolder, key: VerifierKey): AuditReader {
  const checkpoint = (): Promise<PublishedCheckpoint | null> => readPublished(folder, key)
  const leaves = createLeafIndex(folder)
  return {
    checkpoint,
    async verifyWhole() {
      const published = await checkpoint()
      if (published) await scanFolder(folder, published)
      return published
    },
    async rootAt(size) {
      const published = await checkpoint()
      if (size > (published?.size ?? 0))
        throw new LogError('ERR_LOG_NO_ENTRY', `the log ends before ${size} entries`)
      return rootAt(
        size,
        tileHashReader(published!.size, (tile) => readTile(folder, tile)),
      )
    },
    async prove(leaf) {
      const published = await checkpoint()
      if (published === null) return null
      for (const index of await leaves.find(leaf, published.size)) {
        const bundle = Math.floor(index / TILE_WIDTH)
        const width = tileWidth('entries', bundle, published.size)
        const entries = await readBundle(folder, { level: 'entries', index: bundle, width })
        if (equalBytes(entries[index % TILE_WIDTH]!, leaf))
          return { index, proof: await proveLeaf(folder, published, leaf, index) }
      }
      return null
    },
  }
}
