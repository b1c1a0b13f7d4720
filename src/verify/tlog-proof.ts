import { fromBase64, toBase64, utf8 } from '../kernel/index.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import { VerifyError } from './errors.ts'
import { HASH_BYTES } from './hash-bytes.ts'
import { LIMITS } from './limits.ts'
import { hashLeaf, verifyInclusion } from './merkle.ts'
import type { VerifierKey } from './note.ts'

const HEADER = 'c2sp.org/tlog-proof@v1'

/** A proof, verifiable offline, that an entry is in a log (C2SP tlog-proof). */
export interface TlogProof {
  readonly index: number
  /** Inclusion path, the leaf's sibling first. */
  readonly path: readonly Uint8Array[]
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string
  /** Opaque and not authenticated. */
  readonly extra?: Uint8Array
}

/** Text of a proof. */
export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? [] : [`extra ${toBase64(proof.extra)}`]
  const path = proof.path.map(toBase64)
  return [HEADER, ...extra, `index ${proof.index}`, ...path, '', proof.checkpoint].join('\n')
}

/**
 * Reads the text of a proof (C2SP tlog-proof, "Format"). Its checkpoint is not verified yet.
 * @throws VerifyError `ERR_VERIFY_PROOF`
 */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > LIMITS.maxProofBytes) throw malformed('it is too long')
  const split = text.indexOf('\n\n')
  if (split < 0) throw malformed('it has no checkpoint')
  const lines = text.slice(0, split).split('\n')
  if (lines.shift() !== HEADER) throw malformed(`its first line is not ${HEADER}`)
  const extra = lines[0]?.startsWith('extra ') ? readBase64(lines.shift()!.slice('extra '.length)) : undefined
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1]
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw malformed('it has no index line')
  const path = lines.map(readBase64)
  if (path.length > 63 || path.some((hash) => hash.length !== HASH_BYTES))
    throw malformed('its path is no hash path')
  const parts = { index: Number(index), path, checkpoint: text.slice(split + 2) }
  return extra === undefined ? parts : { ...parts, extra }
}

/**
 * Checks that `entry` is in the log of `key`, and where (C2SP tlog-proof, "Verifying a tlog proof").
 * @throws VerifyError `ERR_VERIFY_PROOF`, and what {@link openCheckpoint} throws
 */
export async function verifyTlogProof(
  text: string,
  entry: Uint8Array,
  key: VerifierKey,
): Promise<{ index: number; checkpoint: Checkpoint }> {
  const proof = parseTlogProof(text)
  const checkpoint = await openCheckpoint(utf8(proof.checkpoint), key)
  verifyInclusion(proof.index, checkpoint.size, hashLeaf(entry), proof.path, checkpoint.rootHash)
  return { index: proof.index, checkpoint }
}

function readBase64(text: string): Uint8Array {
  const bytes = fromBase64(text)
  if (!bytes) throw malformed('a line is not base64')
  return bytes
}

function malformed(what: string) {
  return new VerifyError('ERR_VERIFY_PROOF', `malformed proof: ${what}`)
}
