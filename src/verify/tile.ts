import { VerifyError } from './errors.ts'
import { HASH_BYTES } from './hash-bytes.ts'
import { LIMITS } from './limits.ts'
import { hashNode } from './merkle.ts'
import type { HashReader } from './merkle.ts'

/** Hashes in a full tile: subtrees of height 8 (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256
/** Levels of the tree in one tile. */
export const TILE_HEIGHT = 8

/** A tile, or with level `entries` the bundle of entries beside level 0; `width` below 256 is partial. */
export interface Tile {
  readonly level: number | 'entries'
  readonly index: number
  readonly width: number
}

/** Path of a tile below the log's prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/17`. */
export function tilePath(tile: Tile): string {
  const partial = tile.width < TILE_WIDTH ? `.p/${tile.width}` : ''
  return `tile/${tile.level}/${indexPath(tile.index)}${partial}`
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/** The tile of a path, or null where the path is not the one way to write it. */
export function parseTilePath(path: string): Tile | null {
  const match = PATH.exec(path)
  if (!match) return null
  const level = match[1] === 'entries' ? 'entries' : Number(match[1])
  const index = Number(match[2]!.replaceAll(/[x/]/g, ''))
  const tile: Tile = { level, index, width: match[3] === undefined ? TILE_WIDTH : Number(match[3]) }
  const written = level === 'entries' || level <= 63 ? tilePath(tile) : null
  return Number.isSafeInteger(index) && written === path ? tile : null
}

/** How many hashes tile `index` of `level` has in a tree of `size` leaves: 0 where there is no such tile. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level))
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** Every hash tile of a tree of `size` leaves, level by level; partial ones last in their level. */
export function tilesOf(size: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < hashes; index++) {
      tiles.push({ level, index, width: tileWidth(level, index, size) })
    }
  }
  return tiles
}

/** Every entry bundle of a tree of `size` leaves. */
export function bundlesOf(size: number): Tile[] {
  return tilesOf(size)
    .filter((tile) => tile.level === 0)
    .map((tile) => ({ ...tile, level: 'entries' }))
}

/** A {@link HashReader} over the tiles of a tree of `size` leaves; `readTile` gets tiles of that tree only. */
export function tileHashReader(size: number, readTile: (tile: Tile) => Promise<Uint8Array>): HashReader {
  return async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const span = 2 ** (level % TILE_HEIGHT)
    const tileIndex = Math.floor((index * span) / TILE_WIDTH)
    const width = tileWidth(tileLevel, tileIndex, size)
    const hashes = splitTile(await readTile({ level: tileLevel, index: tileIndex, width }), width)
    const start = (index * span) % TILE_WIDTH
    return hashComplete(hashes.slice(start, start + span))
  }
}

/**
 * The hashes of a tile's bytes.
 * @throws VerifyError `ERR_VERIFY_TILE` unless there are exactly `width`
 */
export function splitTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) {
    throw new VerifyError('ERR_VERIFY_TILE', `a tile of ${width} hashes has ${bytes.length} bytes`)
  }
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}

/** Hash over a power of two of adjacent hashes. */
export function hashComplete(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => hashNode(row[2 * i]!, row[2 * i + 1]!))
  }
  if (row[0] === undefined)
    throw new VerifyError('ERR_VERIFY_TILE', 'a tile ends before the hash it should hold')
  return row[0]
}

/** An entry bundle: each entry after its length as a big-endian uint16. */
export function formatBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((bytes, entry) => bytes + 2 + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    if (entry.length > LIMITS.maxEntryBytes) {
      throw new VerifyError('ERR_VERIFY_ENTRY_SIZE', `an entry has ${entry.length} bytes`)
    }
    bundle[at] = entry.length >> 8
    bundle[at + 1] = entry.length & 0xff
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/**
 * The entries of a bundle.
 * @throws VerifyError `ERR_VERIFY_TILE` unless the bytes are exactly `width` entries
 */
export function parseBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bundle.length) {
    const end = at + 2 + ((bundle[at]! << 8) | (bundle[at + 1] ?? 0))
    if (at + 2 > bundle.length || end > bundle.length) {
      throw new VerifyError('ERR_VERIFY_TILE', 'an entry bundle ends within an entry')
    }
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (entries.length !== width) {
    throw new VerifyError('ERR_VERIFY_TILE', `a bundle of ${width} entries holds ${entries.length}`)
  }
  return entries
}

function indexPath(index: number): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/.{3}/g)!
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}
