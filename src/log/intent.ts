import { equalBytes, fromBase64, fromUtf8, toBase64, utf8, concatBytes } from '../kernel/index.ts'
import { formatBundle, parseBundle } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'

/**
 * The decision which entries come next: written before anything is signed, so that a crash at any
 * line afterwards ends in this very tree and no size is ever signed with two roots.
 */
export interface Intent {
  readonly origin: string
  /** Size of the tree that it continues. */
  readonly from: number
  readonly leaves: readonly Uint8Array[]
  /** Root of the tree with the leaves. */
  readonly rootHash: Uint8Array
}

const NAME = /^intent-([0-9]+)$/

export function intentName(from: number): string {
  return `intent-${from}`
}

/** The size an intent's file continues; null for other files. */
export function intentSize(name: string): number | null {
  const match = NAME.exec(name)
  return match ? Number(match[1]) : null
}

/** Format 1: a line of JSON, then the leaves as in a bundle. */
export function formatIntent({ origin, from, leaves, rootHash }: Intent): Uint8Array {
  const head = { format: 1, origin, from, count: leaves.length, root: toBase64(rootHash) }
  return concatBytes(utf8(`${JSON.stringify(head)}\n`), formatBundle(leaves))
}

/**
 * The intent that continues a tree of `from` leaves; null where there is none.
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function readIntent(folder: LogFolder, origin: string, from: number): Promise<Intent | null> {
  const bytes = await folder.read(intentName(from))
  if (bytes === null) return null
  const end = bytes.indexOf(0x0a)
  try {
    const head = Object(JSON.parse(fromUtf8(bytes.subarray(0, end)))) as Record<string, unknown>
    const rootHash = fromBase64(String(head.root))
    if (head.format === 1 && head.origin === origin && head.from === from && rootHash) {
      return { origin, from, leaves: parseBundle(bytes.subarray(end + 1), Number(head.count)), rootHash }
    }
  } catch (cause) {
    throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder cannot be read', { cause })
  }
  throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder does not belong to this log')
}

/** @throws LogError `ERR_LOG_TAMPERED` unless the leaves led to the root that was decided */
export function checkIntentRoot(intent: Intent, root: Uint8Array): void {
  if (!equalBytes(intent.rootHash, root)) {
    throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder does not lead to its own root')
  }
}
