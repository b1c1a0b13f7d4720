import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  bundlesOf,
  createHashTree,
  formatBundle,
  formatCheckpoint,
  hashLeaf,
  parseBundle,
  parseCheckpoint,
  parseNote,
  signNote,
  tilePath,
  tilesOf,
  TILE_WIDTH,
  type HashTree,
  type NoteSigner,
} from '../../verify/index.ts'

/** Every entry of the log in a folder, up to its checkpoint. */
export async function readLog(folder: string): Promise<Uint8Array[]> {
  const { size } = parseCheckpoint(parseNote(await readFile(join(folder, 'checkpoint'))).text)
  const bundles = bundlesOf(size).map(async (tile) =>
    parseBundle(await readFile(join(folder, tilePath(tile))), tile.width),
  )
  return (await Promise.all(bundles)).flat()
}

/** Copies what a log's checkpoint covers, and no draft that its writer is about to rename. */
export async function copyPublished(from: string, to: string): Promise<void> {
  const checkpoint = await readFile(join(from, 'checkpoint'))
  const { size } = parseCheckpoint(parseNote(checkpoint).text)
  const paths = ['vkey', ...[...tilesOf(size), ...bundlesOf(size)].map(tilePath)]
  for (const path of paths) await write(join(to, path), await readFile(join(from, path)))
  await write(join(to, 'checkpoint'), checkpoint)
}

/** A tree of these entries. */
export function treeOf(leaves: readonly Uint8Array[]): HashTree {
  const tree = createHashTree()
  for (const leaf of leaves) tree.append(hashLeaf(leaf))
  return tree
}

/** Puts a log of these entries in the place of the one in a folder: bundles, tiles, and a checkpoint signed like a true one. */
export async function writeLog(
  folder: string,
  leaves: readonly Uint8Array[],
  signer: NoteSigner,
): Promise<void> {
  const tree = treeOf(leaves)
  for (const tile of bundlesOf(leaves.length)) {
    const from = tile.index * TILE_WIDTH
    await write(join(folder, tilePath(tile)), formatBundle(leaves.slice(from, from + tile.width)))
  }
  for (const tile of tilesOf(leaves.length)) {
    const first = tile.index * TILE_WIDTH
    const hashes = Array.from({ length: tile.width }, (_, i) => tree.read(Number(tile.level) * 8, first + i))
    await write(join(folder, tilePath(tile)), Buffer.concat(hashes))
  }
  const checkpoint = { origin: signer.key.name, size: leaves.length, rootHash: tree.root() }
  await write(join(folder, 'checkpoint'), await signNote(formatCheckpoint(checkpoint), signer))
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
