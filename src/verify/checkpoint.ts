import { fromBase64, toBase64 } from '../kernel/index.ts'
import { VerifyError } from './errors.ts'
import { HASH_BYTES } from './hash-bytes.ts'
import { verifyNote } from './note.ts'
import type { VerifierKey } from './note.ts'

/** A log's tree head (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string
  /** Leaves in the tree. */
  readonly size: number
  /** SHA-256 Merkle root, 32 bytes. */
  readonly rootHash: Uint8Array
}

/** The note text of a checkpoint, to be signed. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.rootHash)}\n`
}

/**
 * Reads the note text of a checkpoint. Extension lines are allowed and ignored.
 * @throws VerifyError `ERR_VERIFY_CHECKPOINT`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n')
  const last = lines.pop()
  const [origin, size, root] = lines
  if (last !== '' || lines.length < 3 || lines.includes(''))
    throw malformed('it needs three lines or more, none empty')
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size!)) throw malformed('its tree size is no decimal number')
  const rootHash = fromBase64(root!)
  if (rootHash?.length !== HASH_BYTES) throw malformed('its root is not the base64 of 32 bytes')
  if (!Number.isSafeInteger(Number(size))) throw malformed('its tree size is too large')
  return { origin: origin!, size: Number(size), rootHash }
}

/**
 * The checkpoint of a signed note: signed by `key` and of the origin that the key is named after.
 * @throws VerifyError `ERR_VERIFY_NOTE`, `ERR_VERIFY_SIGNATURE`, `ERR_VERIFY_CHECKPOINT`, `ERR_VERIFY_ORIGIN`
 * @throws VerifyRunError `ERR_VERIFY_RUN_CRYPTO`
 */
export async function openCheckpoint(note: Uint8Array, key: VerifierKey): Promise<Checkpoint> {
  const { text } = await verifyNote(note, [key])
  const checkpoint = parseCheckpoint(text)
  if (checkpoint.origin !== key.name) {
    throw new VerifyError(
      'ERR_VERIFY_ORIGIN',
      `the checkpoint is of ${checkpoint.origin}, the verifier key of ${key.name}`,
    )
  }
  return checkpoint
}

function malformed(what: string) {
  return new VerifyError('ERR_VERIFY_CHECKPOINT', `malformed checkpoint: ${what}`)
}
