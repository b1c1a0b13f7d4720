import { concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from '../../kernel/index.ts'
import { HASH_BYTES, LIMITS } from '../../verify/index.ts'
import { LogError } from '../errors.ts'

/** Consistency proof lines that a request may have (C2SP tlog-witness, "add-checkpoint"). */
const MAX_PROOF_LINES = 63
/** Greatest length of a request: a checkpoint with all its signatures, and the longest proof. */
export const MAX_REQUEST_BYTES = LIMITS.maxCheckpointBytes + 32 + MAX_PROOF_LINES * 45

/** What a log sends to a witness. */
export interface AddCheckpoint {
  /** Size of the tree that the witness cosigned last. */
  readonly oldSize: number
  /** Consistency proof from there to the checkpoint (RFC 6962 §2.1.2). */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint. */
  readonly checkpoint: Uint8Array
}

/** Body of a request (C2SP tlog-witness, "add-checkpoint"). */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Uint8Array {
  const head = [`old ${oldSize}`, ...proof.map(toBase64), '', '']
  return concatBytes(utf8(head.join('\n')), checkpoint)
}

/**
 * Reads the body of a request; its checkpoint is not looked at yet.
 * @throws LogError `ERR_LOG_WITNESS_REQUEST`
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  if (body.length > MAX_REQUEST_BYTES) throw malformed('it is too long')
  const split = findBlankLine(body)
  if (split < 0) throw malformed('it has no empty line')
  const [first, ...lines] = headOf(body.subarray(0, split)).split('\n')
  const size = /^old (0|[1-9][0-9]{0,15})$/.exec(first ?? '')?.[1]
  if (size === undefined || !Number.isSafeInteger(Number(size)))
    throw malformed('its first line is no old size')
  if (lines.length > MAX_PROOF_LINES) throw malformed('its proof is too long')
  const proof = lines.map((line) => {
    const hash = fromBase64(line)
    if (hash?.length !== HASH_BYTES) throw malformed('a line of its proof is no hash')
    return hash
  })
  return { oldSize: Number(size), proof, checkpoint: body.subarray(split + 2) }
}

function findBlankLine(body: Uint8Array): number {
  for (let at = body.indexOf(0x0a); at >= 0; at = body.indexOf(0x0a, at + 1)) {
    if (body[at + 1] === 0x0a) return at
  }
  return -1
}

function headOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new LogError('ERR_LOG_WITNESS_REQUEST', 'malformed add-checkpoint request: it is not UTF-8', {
      cause,
    })
  }
}

function malformed(what: string) {
  return new LogError('ERR_LOG_WITNESS_REQUEST', `malformed add-checkpoint request: ${what}`)
}
