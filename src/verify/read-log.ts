import { equalBytes, formatMoment } from '../kernel/index.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import type { EvidenceEntry } from './entry.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { createHashTree } from './hash-tree.ts'
import type { HashTree } from './hash-tree.ts'
import { LIMITS } from './limits.ts'
import { hashLeaf } from './merkle.ts'
import type { VerifierKey } from './note.ts'
import { EVIDENCE_PATH, mapConcurrently } from './source.ts'
import type { Source } from './source.ts'
import { bundlesOf, parseBundle, TILE_WIDTH, tilePath } from './tile.ts'
import type { Tile } from './tile.ts'

/** A signed checkpoint as fetched, and what it says. */
export interface SignedCheckpoint extends Checkpoint {
  /** The signed note, verbatim. */
  readonly note: string
}

/** As much of a log as has been read; it only grows. */
export interface LogCopy {
  readonly tree: HashTree
  readonly leaves: Uint8Array[]
}

export function createLogCopy(): LogCopy {
  return { tree: createHashTree(), leaves: [] }
}

/**
 * Fetches and opens the log's checkpoint; null where none is served.
 * @throws VerifyError, VerifyRunError as {@link openCheckpoint} and {@link Source.get}
 */
export async function readCheckpoint(source: Source, key: VerifierKey): Promise<SignedCheckpoint | null> {
  const bytes = await source.get(`${EVIDENCE_PATH}checkpoint`, LIMITS.maxCheckpointBytes)
  if (bytes === null) return null
  const checkpoint = await openCheckpoint(bytes, key)
  if (checkpoint.size > LIMITS.maxLogSize) {
    throw new VerifyRunError(
      'ERR_VERIFY_RUN_LIMIT',
      `the log has ${checkpoint.size} entries, this verifier reads ${LIMITS.maxLogSize}`,
    )
  }
  return { ...checkpoint, note: new TextDecoder().decode(bytes) }
}

/**
 * Reads every entry up to the checkpoint and checks that together they hash to its root
 * (C2SP tlog-tiles, "Log entries"; RFC 9162 §2.1.1). What the copy already holds is not read again.
 *
 * @throws VerifyError `ERR_VERIFY_MISSING`, `ERR_VERIFY_TILE`, `ERR_VERIFY_ROOT`
 * @throws VerifyRunError `ERR_VERIFY_RUN_LIMIT`
 */
export async function readEntries(
  source: Source,
  checkpoint: Checkpoint,
  copy: LogCopy,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const held = copy.tree.size
  const bundles = bundlesOf(checkpoint.size).filter((tile) => tile.index * TILE_WIDTH + tile.width > held)
  let done = held
  let bytes = copy.leaves.reduce((sum, leaf) => sum + leaf.length, 0)
  onProgress(done, checkpoint.size)
  const parts = await mapConcurrently(bundles, async (tile) => {
    const entries = await readBundle(source, tile)
    const fresh = entries.slice(Math.max(0, held - tile.index * TILE_WIDTH))
    const hashes = fresh.map(hashLeaf)
    bytes += fresh.reduce((sum, leaf) => sum + leaf.length, 0)
    if (bytes > LIMITS.maxLogBytes) throw tooLarge()
    onProgress((done += fresh.length), checkpoint.size)
    return { fresh, hashes }
  })
  for (const { fresh, hashes } of parts) {
    copy.leaves.push(...fresh)
    for (const hash of hashes) copy.tree.append(hash)
  }
  if (!equalBytes(copy.tree.root(checkpoint.size), checkpoint.rootHash)) {
    throw new VerifyError(
      'ERR_VERIFY_ROOT',
      `the ${checkpoint.size} entries served do not hash to the root of the signed checkpoint`,
    )
  }
}

function tooLarge() {
  return new VerifyRunError(
    'ERR_VERIFY_RUN_LIMIT',
    `the entries have more than the ${LIMITS.maxLogBytes} bytes that this verifier holds`,
  )
}

/** A partial bundle may have been replaced by its full one since the checkpoint (tlog-tiles, "Partial Tiles"). */
async function readBundle(source: Source, tile: Tile): Promise<Uint8Array[]> {
  const bytes = await source.get(EVIDENCE_PATH + tilePath(tile), LIMITS.maxBundleBytes)
  if (bytes !== null) return parseBundle(bytes, tile.width)
  const full = { ...tile, width: TILE_WIDTH }
  const whole =
    tile.width < TILE_WIDTH ? await source.get(EVIDENCE_PATH + tilePath(full), LIMITS.maxBundleBytes) : null
  if (whole !== null) return parseBundle(whole, TILE_WIDTH).slice(0, tile.width)
  throw new VerifyError(
    'ERR_VERIFY_MISSING',
    `${tilePath(tile)} is not served, though the signed checkpoint covers it`,
  )
}

/** Reads the meaning of further entries of a log, in their order. */
export type EntryReader = (leaves: readonly Uint8Array[]) => EvidenceEntry[]

/**
 * Reads the meaning of a log from its first entry on: each canonical, the first one opening this very log,
 * ids unique, times never going back nor lying in the future. The reader throws
 *
 * - VerifyError `ERR_VERIFY_ENTRY_…`, `ERR_VERIFY_ORIGIN`
 * - VerifyRunError `ERR_VERIFY_RUN_OUTDATED`
 */
export function createEntryReader(origin: string, now: number): EntryReader {
  const ids = new Set<string>()
  // All moments are of one fixed form, so that text order is time order.
  const latest = formatMoment(now + LIMITS.maxFutureMs)
  let size = 0
  let last = ''
  return (leaves) =>
    leaves.map((leaf) => {
      const index = size++
      const entry = parseEntry(leaf)
      const opens = entry.kind === 'log.opened'
      if (opens !== (index === 0) || (opens && entry.origin !== origin)) {
        throw new VerifyError(
          'ERR_VERIFY_ORIGIN',
          `entry ${index}: a log begins, once, with the opening of its own origin`,
        )
      }
      if (ids.has(entry.id))
        throw new VerifyError('ERR_VERIFY_ENTRY_DUPLICATE', `entry ${index} repeats an earlier id`)
      if (entry.at < last)
        throw new VerifyError('ERR_VERIFY_ENTRY_TIME', `entry ${index} is dated before the one before it`)
      if (entry.at > latest) {
        throw new VerifyError('ERR_VERIFY_ENTRY_TIME', `entry ${index} is dated in the future: ${entry.at}`)
      }
      ids.add(entry.id)
      last = entry.at
      return entry
    })
}
