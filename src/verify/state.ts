import { fromBase64, toBase64 } from '../kernel/index.ts'
import { isRoot, isSize } from './audit-log.ts'
import type { SeenAudit } from './audit-log.ts'
import type { Checkpoint } from './checkpoint.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { formatVerifierKey, parseVerifierKey } from './note.ts'
import type { VerifierKey } from './note.ts'

/** What a verifier remembers of a log between two runs, so that it notices a rollback or a fork. */
export interface VerifierState {
  readonly schema: 1
  readonly origin: string
  readonly vkey: string
  readonly size: number
  /** Base64 of the Merkle root at `size`. */
  readonly rootHash: string
  /** The signed checkpoint, verbatim: proof, should the log ever contradict it. */
  readonly checkpoint: string
  /** Keys of the witnesses that were asked for: they are asked for at every later visit. */
  readonly witnesses: readonly string[]
  /** What was seen of the audit log; null where the evidence log named none. */
  readonly audit: SeenAudit | null
}

export function createVerifierState(
  key: VerifierKey,
  checkpoint: Checkpoint & { note: string },
  witnesses: readonly string[],
  audit: SeenAudit | null,
): VerifierState {
  return {
    schema: 1,
    origin: checkpoint.origin,
    vkey: formatVerifierKey(key),
    size: checkpoint.size,
    rootHash: toBase64(checkpoint.rootHash),
    checkpoint: checkpoint.note,
    witnesses,
    audit,
  }
}

/**
 * Reads a remembered state from the value of its JSON.
 * @throws VerifyRunError `ERR_VERIFY_RUN_STATE`
 */
export function parseVerifierState(value: unknown): VerifierState {
  const state = Object(value) as Partial<Record<keyof VerifierState, unknown>>
  // States of earlier versions name no witnesses and no audit log.
  const { schema, origin, vkey, size, rootHash, checkpoint, witnesses = [], audit = null } = state
  if (schema !== 1) throw unreadable('its schema is not 1')
  if (typeof origin !== 'string' || typeof vkey !== 'string' || typeof checkpoint !== 'string') {
    throw unreadable('a member is missing')
  }
  if (!isSize(size)) throw unreadable('its size is no size')
  if (!isRoot(rootHash)) throw unreadable('its root is no hash')
  if (!Array.isArray(witnesses) || !witnesses.every((witness) => typeof witness === 'string')) {
    throw unreadable('its witnesses are no list of keys')
  }
  if (keyOf(vkey).name !== origin) throw unreadable('its key belongs to another origin')
  return { schema, origin, vkey, size, rootHash, checkpoint, witnesses, audit: parseAudit(audit) }
}

function parseAudit(value: unknown): SeenAudit | null {
  if (value === null) return null
  const { vkey, size, rootHash, checkpoint } = Object(value) as Partial<Record<keyof SeenAudit, unknown>>
  if (typeof vkey !== 'string' || typeof checkpoint !== 'string' || !isSize(size) || !isRoot(rootHash))
    throw unreadable('what it holds of the audit log is malformed')
  keyOf(vkey)
  return { vkey, size, rootHash, checkpoint }
}

/** Root hash of a parsed state. */
export function rootOfState(state: VerifierState): Uint8Array {
  return fromBase64(state.rootHash) ?? new Uint8Array(0)
}

function keyOf(vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey)
  } catch (cause) {
    if (cause instanceof VerifyError) {
      throw new VerifyRunError('ERR_VERIFY_RUN_STATE', 'the remembered state holds no verifier key', {
        cause,
      })
    }
    throw cause
  }
}

function unreadable(what: string) {
  return new VerifyRunError('ERR_VERIFY_RUN_STATE', `the remembered state cannot be used: ${what}`)
}
