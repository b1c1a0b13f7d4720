import { concatBytes, equalBytes } from '../kernel/index.ts'
import {
  createTileEdge,
  formatTlogProof,
  hashLeaf,
  isWitnessedPath,
  makeInclusionProof,
  parseTilePath,
  tileHashReader,
  tilePath,
  verifyInclusion,
} from '../verify/index.ts'
import type { TileEdge, VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import { createLogFolder } from './folder.ts'
import type { LogFolder } from './folder.ts'
import { CHECKPOINT_FILE, readLeaves, readPublished, readTile, VKEY_FILE } from './published.ts'
import type { PublishedCheckpoint } from './published.ts'
import { readCosignatureLines } from './witness/cosigned-note.ts'

/** The published log as it stood at one checkpoint. */
export interface Published {
  readonly checkpoint: PublishedCheckpoint
  readonly leaves: readonly Uint8Array[]
}

/** Reads what a log's folder publishes, whichever process published it. */
export interface LogReader {
  /**
   * The log at its present checkpoint; null before the first one. Only what is new is read, and
   * checked against the checkpoint's root.
   * @throws LogError `ERR_LOG_TAMPERED`
   */
  refresh(): Promise<Published | null>
  /** The tlog-proof of entry `index` at a checkpoint (C2SP tlog-proof). @throws LogError `ERR_LOG_NO_ENTRY`, `ERR_LOG_TAMPERED` */
  proof(at: Published, index: number): Promise<string>
}

export function createLogReader(folder: LogFolder, key: VerifierKey): LogReader {
  let edge: TileEdge = createTileEdge()
  const leaves: Uint8Array[] = []
  let current: Published | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const advance = async (): Promise<Published | null> => {
    const checkpoint = await readPublished(folder, key)
    if (checkpoint === null) return current
    if (current && checkpoint.size <= current.checkpoint.size) {
      if (
        checkpoint.size === current.checkpoint.size &&
        equalBytes(checkpoint.rootHash, current.checkpoint.rootHash)
      ) {
        return current
      }
      throw new LogError('ERR_LOG_TAMPERED', 'the checkpoint in the log folder went back or changed its root')
    }
    const fresh = await readLeaves(folder, edge.size, checkpoint.size)
    const ahead = edge.copy()
    for (const leaf of fresh) ahead.append(hashLeaf(leaf))
    if (!equalBytes(ahead.root(), checkpoint.rootHash)) {
      throw new LogError(
        'ERR_LOG_TAMPERED',
        'the entries in the log folder do not hash to the root of its checkpoint',
      )
    }
    edge = ahead
    for (const leaf of fresh) leaves.push(leaf)
    current = { checkpoint, leaves: leaves.slice() }
    return current
  }
  return {
    refresh() {
      const next = queue.then(advance)
      queue = next.catch(() => {})
      return next
    },
    async proof({ checkpoint, leaves: published }, index) {
      const leaf = published[index]
      if (leaf === undefined)
        throw new LogError('ERR_LOG_NO_ENTRY', `the log has no entry ${index} among ${checkpoint.size}`)
      return proveLeaf(folder, checkpoint, leaf, index)
    },
  }
}

/**
 * The tlog-proof that a leaf is entry `index` under a checkpoint.
 * @throws LogError `ERR_LOG_TAMPERED` where it is not
 */
export async function proveLeaf(
  folder: LogFolder,
  { size, rootHash, note }: PublishedCheckpoint,
  leaf: Uint8Array,
  index: number,
): Promise<string> {
  const tiles = new Map<string, Promise<Uint8Array>>()
  const read = tileHashReader(size, (tile) => {
    const path = tilePath(tile)
    const known = tiles.get(path) ?? readTile(folder, tile)
    tiles.set(path, known)
    return known
  })
  try {
    const path = await makeInclusionProof(index, size, read)
    verifyInclusion(index, size, hashLeaf(leaf), path, rootHash)
    return formatTlogProof({ index, path, checkpoint: note })
  } catch (cause) {
    throw new LogError('ERR_LOG_TAMPERED', 'the tiles in the log folder do not fit its checkpoint', { cause })
  }
}

/**
 * What a log serves over HTTP below its prefix: `checkpoint` with the cosignatures it has got, `vkey`,
 * `tile/…`, `witnessed/…`; null for anything else, whatever the path tries.
 */
export async function readServed(root: string, path: string): Promise<Uint8Array | null> {
  const served =
    path === CHECKPOINT_FILE || path === VKEY_FILE || isWitnessedPath(path) || parseTilePath(path) !== null
  const folder = createLogFolder(root)
  const bytes = served ? await folder.read(path) : null
  if (bytes === null || path !== CHECKPOINT_FILE) return bytes
  return concatBytes(bytes, await readCosignatureLines(folder, bytes))
}
