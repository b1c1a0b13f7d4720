import { equalBytes, fromUtf8, SuretyError, utf8 } from '../kernel/index.ts'
import {
  bundlesOf,
  createTileEdge,
  formatVerifierKey,
  hashLeaf,
  openCheckpoint,
  parseBundle,
  parseVerifierKey,
  rootAt,
  TILE_WIDTH,
  tileHashReader,
  tilePath,
} from '../verify/index.ts'
import type { Checkpoint, FullTile, Tile, TileEdge, VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import { createLogFolder } from './folder.ts'
import type { LogFolder } from './folder.ts'
import type { LogOptions } from './log.ts'

/** A checkpoint as published, with its signed note. */
export interface PublishedCheckpoint extends Checkpoint {
  readonly note: string
}

export const CHECKPOINT_FILE = 'checkpoint'
export const VKEY_FILE = 'vkey'

/**
 * The checkpoint in a log's folder, its signature checked; null where none was published.
 * @param known one that was checked before: it is not checked again where it still stands
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function readPublished(
  folder: LogFolder,
  key: VerifierKey,
  known: PublishedCheckpoint | null = null,
): Promise<PublishedCheckpoint | null> {
  const bytes = await folder.read(CHECKPOINT_FILE)
  if (bytes === null) return null
  const note = new TextDecoder().decode(bytes)
  if (note === known?.note) return known
  try {
    return { ...(await openCheckpoint(bytes, key)), note }
  } catch (cause) {
    throw tampered('the checkpoint in the log folder is not one this log signed', cause)
  }
}

/**
 * The key that signs a log: the signer's, or for a process that only appends the one in the folder.
 * @throws LogError `ERR_LOG_NOT_OPENED` before the server's first start, `ERR_LOG_ORIGIN`
 */
export async function verifierKeyOf(
  { access, folder }: Pick<LogOptions, 'access' | 'folder'>,
  origin: string,
): Promise<VerifierKey> {
  const key = access.mode === 'sequence' ? access.signer.key : await publishedKey(createLogFolder(folder))
  if (key.name === origin) return key
  throw new LogError('ERR_LOG_ORIGIN', `the log’s key is of ${key.name}, not of ${origin}`)
}

async function publishedKey(folder: LogFolder): Promise<VerifierKey> {
  const text = await folder.read(VKEY_FILE)
  if (text === null) throw new LogError('ERR_LOG_NOT_OPENED', 'the log folder holds no log yet')
  return parseVerifierKey(fromUtf8(text))
}

/** The text served as `vkey`. */
export function vkeyFile(key: VerifierKey): Uint8Array {
  return utf8(`${formatVerifierKey(key)}\n`)
}

/**
 * Bytes of a tile or bundle that a published checkpoint covers. Its partial file may already have
 * made way for the full one: then the caller gets the beginning of that.
 * @throws LogError `ERR_LOG_TAMPERED` where neither is there
 */
export async function readTile(folder: LogFolder, tile: Tile): Promise<Uint8Array> {
  const bytes = await folder.read(tilePath(tile))
  if (bytes !== null) return bytes
  const full = tile.width < TILE_WIDTH ? await folder.read(tilePath({ ...tile, width: TILE_WIDTH })) : null
  if (full === null) throw tampered(`${tilePath(tile)} is missing from the log folder`)
  return tile.level === 'entries' ? full : full.subarray(0, tile.width * 32)
}

/**
 * Entries `[from, checkpoint.size)` of a folder.
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function readLeaves(folder: LogFolder, from: number, size: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = []
  for (const tile of bundlesOf(size).slice(Math.floor(from / TILE_WIDTH))) {
    const start = tile.index * TILE_WIDTH
    const entries = await readBundle(folder, tile)
    leaves.push(...entries.slice(Math.max(0, from - start), size - start))
  }
  return leaves
}

/** A folder read from its first entry on. */
export interface Scan {
  readonly edge: TileEdge
  /** The leaves of the last bundle. */
  readonly tail: readonly Uint8Array[]
}

/**
 * Reads a whole folder, bundle by bundle, and checks it: entries hash to the checkpoint's root, and
 * every tile says what the entries say. Memory does not grow with the log.
 *
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function scanFolder(folder: LogFolder, checkpoint: Checkpoint | null): Promise<Scan> {
  const scan = await scanTo(folder, checkpoint?.size ?? 0)
  if (!checkpoint || equalBytes(scan.edge.root(), checkpoint.rootHash)) return scan
  throw tampered('the entries in the log folder do not hash to the root of its checkpoint')
}

/**
 * Reads the first `size` entries of a folder, and holds every tile against them; their root is the
 * caller's to check.
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function scanTo(folder: LogFolder, size: number): Promise<Scan> {
  const edge = createTileEdge()
  let tail: readonly Uint8Array[] = []
  for (const bundle of bundlesOf(size)) {
    tail = await readBundle(folder, bundle)
    for (const leaf of tail) for (const tile of edge.append(hashLeaf(leaf))) await checkTile(folder, tile)
  }
  for (const tile of edge.partials()) await checkTile(folder, tile)
  return { edge, tail }
}

async function checkTile(folder: LogFolder, { level, index, hashes }: FullTile): Promise<void> {
  const tile = { level, index, width: hashes.length }
  if (equalBytes(await readTile(folder, tile), join(hashes))) return
  throw tampered(`${tilePath(tile)} in the log folder does not fit the entries`)
}

/** The root of the first `size` of `end` entries, by the folder's tiles. @throws LogError `ERR_LOG_TAMPERED` */
export function readRoot(folder: LogFolder, size: number, end: number): Promise<Uint8Array> {
  return rootAt(
    size,
    tileHashReader(end, (tile) => readTile(folder, tile)),
  )
}

/** The bytes of a tile of these hashes. */
export function join(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * 32)
  for (const [i, hash] of hashes.entries()) bytes.set(hash, i * 32)
  return bytes
}

/** The entries of a stored bundle. @throws LogError `ERR_LOG_TAMPERED` */
export async function readBundle(folder: LogFolder, bundle: Tile): Promise<Uint8Array[]> {
  return parseStored(await readTile(folder, bundle), bundle)
}

function parseStored(bytes: Uint8Array, tile: Tile): Uint8Array[] {
  try {
    return parseBundle(bytes, tile.width)
  } catch (error) {
    // A partial bundle may have been replaced by its full one.
    if (tile.width < TILE_WIDTH)
      return parseStored(bytes, { ...tile, width: TILE_WIDTH }).slice(0, tile.width)
    throw error instanceof SuretyError
      ? tampered(`${tilePath(tile)} in the log folder is malformed`, error)
      : error
  }
}

function tampered(message: string, cause?: unknown) {
  return new LogError('ERR_LOG_TAMPERED', message, cause === undefined ? {} : { cause })
}
