import { equalBytes, hasCode } from '../kernel/index.ts'
import { createTileEdge, TILE_WIDTH, tilePath, type VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'
import { checkIntentRoot, intentName, intentSize, readIntent, removeTorn, type Intent } from './intent.ts'
import {
  CHECKPOINT_FILE,
  readPublished,
  readRoot,
  scanTo,
  type PublishedCheckpoint,
  type Scan,
} from './published.ts'
import type { LeafFormat } from './sequencer.ts'
import { extendHead, tilesBetween, type TreeHead } from './tree-head.ts'

/**
 * Makes durable the checkpoint, and what a log of `to` leaves consists of and one of `from` leaves, which
 * is durable, did not; then removes the intents that said it again until now, and partial tiles that
 * nobody reads any more. Needs no turn: none of it concerns what comes after `to`.
 */
export async function settle(folder: LogFolder, from: number, to: number): Promise<void> {
  await folder.sync([...tilesBetween(from, to).map(tilePath), CHECKPOINT_FILE])
  await removeIntents(folder, to)
  await removePartials(folder, from, to)
}

/** The newest first: whatever a crash leaves of them is no chain that leads to the end. */
async function removeIntents(folder: LogFolder, below: number): Promise<void> {
  const sizes = (await intentSizes(folder)).filter((size) => size < below)
  for (const size of sizes.toReversed()) await folder.remove(intentName(size))
}

/** How far a folder says that the log goes. */
export interface Ending {
  readonly size: number
  readonly rootHash: Uint8Array
  /** The intents, one after the other, that lead to it: what they say need not be on the disk otherwise. */
  readonly chain: readonly Intent[]
  /** Null where there is none, or a crash of the machine took it: then the intents say what it was. */
  readonly published: PublishedCheckpoint | null
}

/**
 * The end of the log that was decided, and may have been signed: the checkpoint's, or one that intents
 * lead to from there.
 *
 * @throws LogError `ERR_LOG_TAMPERED`, `ERR_LOG_FOLDER_BEHIND`
 */
export async function readEnding(folder: LogFolder, key: VerifierKey): Promise<Ending> {
  const chain = await readChain(folder, key)
  const published = await readPublished(folder, key).catch((error: unknown) => {
    if (chain.length > 0 && hasCode(error, 'ERR_LOG_TAMPERED')) return null
    throw error
  })
  const last = chain.at(-1)
  if (!last || endOf(last) < (published?.size ?? 0)) {
    const { size, rootHash } = published ?? { size: 0, rootHash: createTileEdge().root() }
    return { size, rootHash, chain: [], published }
  }
  if (published && published.size < chain[0]!.from)
    throw new LogError('ERR_LOG_FOLDER_BEHIND', 'the log folder holds an intent beyond its checkpoint')
  return { size: endOf(last), rootHash: last.rootHash, chain, published }
}

/**
 * The end of the log, read and checked from its first entry on. What the intents still say is written
 * once more, since the disk may not have it; what a crash left half-written goes. Only in a turn.
 *
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function recoverHead(
  folder: LogFolder,
  leaves: LeafFormat,
  { size, rootHash, chain, published }: Ending,
): Promise<TreeHead> {
  await folder.tidy()
  const head = await readEnd(folder, leaves, chain, size)
  const follows = !published || equalBytes(await readRoot(folder, published.size, size), published.rootHash)
  if (!follows || !equalBytes(head.edge.root(), rootHash)) {
    throw new LogError(
      'ERR_LOG_TAMPERED',
      'the entries in the log folder do not hash to the root of its checkpoint',
    )
  }
  await removeIntents(folder, chain[0]?.from ?? size)
  await removeTorn(folder, size)
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
function applyIntent(leaves: LeafFormat, head: TreeHead, intent: Intent): Map<string, Uint8Array> {
  const files = extendHead(head, intent.leaves)
  checkIntentRoot(intent, head.edge.root())
  head.lastMs = leaves.timeOf(intent.leaves.at(-1)!)
  return files
}

/** The last intents that continue each other. Those before a gap were being removed: what they say is durable. */
async function readChain(folder: LogFolder, key: VerifierKey): Promise<Intent[]> {
  let chain: Intent[] = []
  for (const from of await intentSizes(folder)) {
    const intent = await readIntent(folder, key, from)
    const last = chain.at(-1)
    if (intent) chain = last && endOf(last) === from ? [...chain, intent] : [intent]
  }
  return chain
}

function endOf({ from, leaves }: Intent): number {
  return from + leaves.length
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
