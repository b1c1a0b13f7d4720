import { equalBytes, hasCode } from '../kernel/index.ts'
import { TILE_WIDTH, tilePath, type VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'
import { checkIntentRoot, intentName, intentSize, readIntent, type Intent } from './intent.ts'
import { scanTo, type PublishedCheckpoint, type Scan } from './published.ts'
import type { LeafFormat } from './sequencer.ts'
import { extendHead, tilesBetween, type TreeHead } from './tree-head.ts'

/**
 * Makes durable what a log of `to` leaves consists of and one of `from` leaves, which is durable, did
 * not; then removes the intents that said it again until now, and partial tiles that nobody reads any
 * more. Needs no turn: none of it concerns what comes after `to`.
 */
export async function settle(folder: LogFolder, from: number, to: number): Promise<void> {
  await folder.sync(tilesBetween(from, to).map(tilePath))
  const sizes = await intentSizes(folder)
  // The newest first: whatever a crash leaves of them is no chain that leads to the end.
  for (const size of sizes.filter((size) => size < to).toReversed()) await folder.remove(intentName(size))
  await removePartials(folder, from, to)
}

/**
 * The end of the published log, read and checked from its first entry on. What the intents still say
 * is written once more, since the disk may not have it.
 *
 * @throws LogError `ERR_LOG_TAMPERED`, `ERR_LOG_FOLDER_BEHIND`
 */
export async function recoverHead(
  folder: LogFolder,
  key: VerifierKey,
  leaves: LeafFormat,
  published: PublishedCheckpoint | null,
): Promise<TreeHead> {
  await folder.tidy()
  const size = published?.size ?? 0
  const chain = await readChain(folder, key, size)
  const head = await readEnd(folder, leaves, chain, size)
  if (published && !equalBytes(head.edge.root(), published.rootHash)) {
    throw new LogError(
      'ERR_LOG_TAMPERED',
      'the entries in the log folder do not hash to the root of its checkpoint',
    )
  }
  await settle(folder, chain[0]?.from ?? size, size)
  return head
}

async function readEnd(
  folder: LogFolder,
  leaves: LeafFormat,
  chain: readonly Intent[],
  size: number,
): Promise<TreeHead> {
  const [first] = chain
  if (!first) return headOf(await scanTo(folder, size), leaves)
  try {
    const head = headOf(await scanTo(folder, first.from), leaves)
    const files = new Map(chain.flatMap((intent) => [...applyIntent(leaves, head, intent)]))
    // Partial tiles in between are of no use any more: readers take those of the present checkpoint.
    const paths = tilesBetween(first.from, size).map(tilePath)
    await Promise.all(paths.map((path) => folder.put(path, files.get(path)!)))
    return head
  } catch (error) {
    // A crash of the machine can bring back an intent that was removed, and not what it continues.
    if (hasCode(error, 'ERR_LOG_TAMPERED')) return readEnd(folder, leaves, chain.slice(1), size)
    throw error
  }
}

function headOf({ edge, tail }: Scan, leaves: LeafFormat): TreeHead {
  const last = tail.at(-1)
  const bundle = tail.length < TILE_WIDTH ? [...tail] : []
  return { edge, bundle, lastMs: last ? leaves.timeOf(last) : 0 }
}

/** Appends what an intent decided to the head; returns the files that this makes. @throws LogError `ERR_LOG_TAMPERED` */
export function applyIntent(leaves: LeafFormat, head: TreeHead, intent: Intent): Map<string, Uint8Array> {
  const files = extendHead(head, intent.leaves)
  checkIntentRoot(intent, head.edge.root())
  head.lastMs = leaves.timeOf(intent.leaves.at(-1)!)
  return files
}

/**
 * The intents, one after the other, that lead to `size`; none where they end elsewhere: then they were
 * being removed, since all that they say was durable.
 */
async function readChain(folder: LogFolder, key: VerifierKey, size: number): Promise<Intent[]> {
  let chain: Intent[] = []
  let end = 0
  for (const from of await intentSizes(folder)) {
    if (from > size)
      throw new LogError('ERR_LOG_FOLDER_BEHIND', 'the log folder holds an intent beyond its checkpoint')
    if (from === size) break
    const intent = await readIntent(folder, key, from)
    // Another process that settles has just removed it, and first those that followed.
    if (!intent) break
    chain = from === end ? [...chain, intent] : [intent]
    end = from + intent.leaves.length
  }
  return end === size ? chain : []
}

/** The sizes that the intents in the folder continue, in order. */
async function intentSizes(folder: LogFolder): Promise<number[]> {
  const sizes = (await folder.names()).map(intentSize).filter((size) => size !== null)
  return sizes.toSorted((a, b) => a - b)
}

/** Partial tiles go once the tile after theirs is full (tlog-tiles, "Partial Tiles"): readers under way still find them. */
async function removePartials(folder: LogFolder, from: number, to: number): Promise<void> {
  for (let level = 0, unit = TILE_WIDTH; unit <= to; level++, unit *= TILE_WIDTH) {
    const first = Math.max(0, Math.floor(from / unit) - 1)
    for (let index = first; (index + 2) * unit <= to; index++) {
      await folder.remove(`${tilePath({ level, index, width: TILE_WIDTH })}.p`)
      if (level === 0) await folder.remove(`${tilePath({ level: 'entries', index, width: TILE_WIDTH })}.p`)
    }
  }
}
