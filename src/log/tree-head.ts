import {
  formatBundle,
  hashLeaf,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  type FullTile,
  type Tile,
  type TileEdge,
} from '../verify/index.ts'
import { join } from './published.ts'

/** The end of a log: what the next leaves are appended to. */
export interface TreeHead {
  readonly edge: TileEdge
  /** Leaves of the last, partial bundle. */
  bundle: Uint8Array[]
  /** When its last leaf was stamped, in Unix milliseconds. */
  lastMs: number
}

/** A head of its own: one that is extended in vain leaves no trace. */
export function copyHead({ edge, bundle, lastMs }: TreeHead): TreeHead {
  return { edge: edge.copy(), bundle: [...bundle], lastMs }
}

/** Appends leaves to the head; returns every file that the longer log consists of and the shorter did not. */
export function extendHead(head: TreeHead, leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const from = head.edge.size
  const files = new Map<string, Uint8Array>()
  const put = ({ level, index, hashes }: FullTile): void => {
    files.set(tilePath({ level, index, width: hashes.length }), join(hashes))
  }
  const putBundle = (index: number): void => {
    const bundle: Tile = { level: 'entries', index, width: head.bundle.length }
    files.set(tilePath(bundle), formatBundle(head.bundle))
  }
  for (const leaf of leaves) {
    const index = Math.floor(head.edge.size / TILE_WIDTH)
    head.bundle.push(leaf)
    for (const tile of head.edge.append(hashLeaf(leaf))) put(tile)
    if (head.bundle.length < TILE_WIDTH) continue
    putBundle(index)
    head.bundle = []
  }
  for (const tile of head.edge.partials()) if (grew(tile.level, from, head.edge.size)) put(tile)
  if (head.bundle.length > 0) putBundle(Math.floor(head.edge.size / TILE_WIDTH))
  return files
}

/** The tiles and bundles that a log of `to` leaves has, and one of `from` leaves had not. */
export function tilesBetween(from: number, to: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0; grew(level, from, to); level++) {
    const first = Math.floor(from / TILE_WIDTH ** (level + 1))
    for (let index = first; tileWidth(level, index, to) > 0; index++) {
      const width = tileWidth(level, index, to)
      tiles.push({ level, index, width })
      if (level === 0) tiles.push({ level: 'entries', index, width })
    }
  }
  return tiles
}

function grew(level: number, from: number, to: number): boolean {
  const unit = TILE_WIDTH ** level
  return Math.floor(from / unit) < Math.floor(to / unit)
}
