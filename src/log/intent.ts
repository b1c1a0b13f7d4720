import { equalBytes, fromBase64, fromUtf8, toBase64, utf8, concatBytes } from '../kernel/index.ts'
import { formatBundle, hashBytes, parseBundle, signNote, verifyNote } from '../verify/index.ts'
import type { NoteSigner, VerifierKey } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'

/**
 * The decision which entries come next: written before anything is signed, so that a crash at any
 * line afterwards ends in this very tree and no size is ever signed with two roots. It is signed with
 * the log's key: whoever can write to the folder, but has no key, cannot plant what comes next.
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

/** Format 2: a line of JSON with the length of the body, the body (a line of JSON, leaves as in a bundle), a signed note of its hash. */
export async function formatIntent(intent: Intent, signer: NoteSigner): Promise<Uint8Array> {
  const { origin, from, leaves, rootHash } = intent
  const head = { origin, from, count: leaves.length, root: toBase64(rootHash) }
  const body = concatBytes(utf8(`${JSON.stringify(head)}\n`), formatBundle(leaves))
  const note = await signNote(noteText(body), signer)
  return concatBytes(utf8(`${JSON.stringify({ format: 2, bytes: body.length })}\n`), body, utf8(note))
}

/** Two lines: no checkpoint, which has three or more, can ever be made of this signature. */
function noteText(body: Uint8Array): string {
  return `surety log intent\n${toBase64(hashBytes(body))}\n`
}

/**
 * The intent that continues a tree of `from` leaves; null where there is none, or one that a crash of
 * the machine left half on the disk: nothing can have followed from it.
 * @throws LogError `ERR_LOG_TAMPERED`
 */
export async function readIntent(folder: LogFolder, key: VerifierKey, from: number): Promise<Intent | null> {
  const bytes = await folder.read(intentName(from))
  if (bytes === null || isTorn(bytes)) return null
  try {
    const [{ format, bytes: length }, rest] = splitLine(bytes)
    const body = rest.subarray(0, Number(length))
    const { text } = await verifyNote(rest.subarray(body.length), [key])
    const [head, leaves] = splitLine(body)
    const rootHash = fromBase64(String(head.root))
    const ours = format === 2 && text === noteText(body) && head.origin === key.name && head.from === from
    if (ours && rootHash) {
      return { origin: key.name, from, leaves: parseBundle(leaves, Number(head.count)), rootHash }
    }
  } catch (cause) {
    throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder is not one this log signed', {
      cause,
    })
  }
  throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder does not belong to this log')
}

/** Makes way for the intent that continues a tree of `from` leaves, where {@link readIntent} found half of one. */
export async function removeTorn(folder: LogFolder, from: number): Promise<void> {
  const bytes = await folder.read(intentName(from))
  if (bytes !== null && isTorn(bytes)) await folder.remove(intentName(from))
}

/** True for the beginning of an intent, whatever the disk holds behind it. */
function isTorn(bytes: Uint8Array): boolean {
  try {
    const [{ format, bytes: length }, rest] = splitLine(bytes)
    return format === 2 && !/\n\n— [^\n]+\n$/.test(new TextDecoder().decode(rest.subarray(Number(length))))
  } catch {
    return true
  }
}

function splitLine(bytes: Uint8Array): [Record<string, unknown>, Uint8Array] {
  const end = bytes.indexOf(0x0a)
  const line: unknown = JSON.parse(fromUtf8(bytes.subarray(0, end)))
  return [Object(line) as Record<string, unknown>, bytes.subarray(end + 1)]
}

/** @throws LogError `ERR_LOG_TAMPERED` unless the leaves led to the root that was decided */
export function checkIntentRoot(intent: Intent, root: Uint8Array): void {
  if (!equalBytes(intent.rootHash, root)) {
    throw new LogError('ERR_LOG_TAMPERED', 'an intent in the log folder does not lead to its own root')
  }
}
