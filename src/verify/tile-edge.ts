import { foldRight } from './merkle.ts'
import { hashComplete, TILE_WIDTH, tileWidth } from './tile.ts'

/** A tile that has just become full. */
export interface FullTile {
  readonly level: number
  readonly index: number
  readonly hashes: readonly Uint8Array[]
}

/** The right edge of a growing tree: the last tile of each level, less than 256 hashes each. */
export interface TileEdge {
  readonly size: number
  /** Adds a leaf; returns the tiles that it filled. */
  append(leafHash: Uint8Array): FullTile[]
  /** Root of all leaves so far. */
  root(): Uint8Array
  /** Root of these leaves appended to all so far, without appending them. */
  rootWith(leafHashes: readonly Uint8Array[]): Uint8Array
  /** The partial tiles of the present size, lowest level first. */
  partials(): FullTile[]
}

/**
 * An edge at `size` leaves whose partial tiles hold `levels`; an empty tree by default.
 * Memory does not grow with the tree.
 */
export function createTileEdge(size = 0, levels: readonly (readonly Uint8Array[])[] = []): TileEdge {
  let leaves = size
  const rows = levels.map((hashes) => [...hashes])
  return {
    get size() {
      return leaves
    },
    append(leafHash) {
      const full: FullTile[] = []
      leaves += 1
      let hash = leafHash
      for (let level = 0; ; level++) {
        const row = (rows[level] ??= [])
        row.push(hash)
        if (row.length < TILE_WIDTH) return full
        rows[level] = []
        hash = hashComplete(row)
        full.push({ level, index: leaves / TILE_WIDTH ** (level + 1) - 1, hashes: row })
      }
    },
    root() {
      return foldRight(rows.toReversed().flatMap(completeSubtrees))
    },
    rootWith(leafHashes) {
      const ahead = createTileEdge(leaves, rows)
      for (const hash of leafHashes) ahead.append(hash)
      return ahead.root()
    },
    partials() {
      return rows.flatMap((hashes, level) => {
        const index = Math.floor(leaves / TILE_WIDTH ** (level + 1))
        return tileWidth(level, index, leaves) > 0 ? [{ level, index, hashes: [...hashes] }] : []
      })
    },
  }
}

/** Hashes of the complete subtrees within a partial tile, largest first. */
function completeSubtrees(hashes: readonly Uint8Array[]): Uint8Array[] {
  const subtrees: Uint8Array[] = []
  let at = 0
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if ((hashes.length & width) === 0) continue
    subtrees.push(hashComplete(hashes.slice(at, at + width)))
    at += width
  }
  return subtrees
}
