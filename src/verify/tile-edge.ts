import { foldRight, hashNode } from './merkle.ts'
import { TILE_HEIGHT, TILE_WIDTH, tileWidth } from './tile.ts'

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
  /** The partial tiles of the present size, lowest level first. */
  partials(): FullTile[]
  /** An edge of its own at the same place. */
  copy(): TileEdge
}

/** The edge of an empty tree. Memory does not grow with the tree. */
export function createTileEdge(): TileEdge {
  return edgeAt(0, [], [])
}

/** @param peaks hashes of the complete subtrees that the leaves consist of, largest first (RFC 9162 §2.1) */
function edgeAt(size: number, rows: Uint8Array[][], peaks: Uint8Array[]): TileEdge {
  let leaves = size
  return {
    get size() {
      return leaves
    },
    append(leafHash) {
      const full: FullTile[] = []
      let hash = leafHash
      ;(rows[0] ??= []).push(hash)
      leaves += 1
      // As many subtrees become complete as the number of leaves ends in zeros.
      for (let height = 1, rest = leaves; rest % 2 === 0; height++, rest /= 2) {
        hash = hashNode(peaks.pop()!, hash)
        if (height % TILE_HEIGHT > 0) continue
        const level = height / TILE_HEIGHT - 1
        full.push({ level, index: rest / 2 - 1, hashes: rows[level]! })
        rows[level] = []
        ;(rows[level + 1] ??= []).push(hash)
      }
      peaks.push(hash)
      return full
    },
    root: () => foldRight(peaks),
    partials() {
      return rows.flatMap((hashes, level) => {
        const index = Math.floor(leaves / TILE_WIDTH ** (level + 1))
        return tileWidth(level, index, leaves) > 0 ? [{ level, index, hashes: [...hashes] }] : []
      })
    },
    copy: () =>
      edgeAt(
        leaves,
        rows.map((hashes) => [...hashes]),
        [...peaks],
      ),
  }
}
