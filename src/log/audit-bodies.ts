import { hash, randomFillSync, type KeyObject } from 'node:crypto'
import { concatBytes } from '../kernel/index.ts'
import { frame, gcmOpen, gcmSeal } from '../keys/index.ts'
import { AUDIT_ENTRY_LABEL, AUDIT_LEAF_BYTES, AUDIT_SALT_BYTES } from '../verify/index.ts'
import { LogError } from './errors.ts'
import { MAX_APPEND_BYTES, MAX_APPEND_LEAVES } from './migrations.ts'

/** The bodies of one append: they are sealed together, and each has a leaf of its own. */
export interface SealedBodies {
  /** UUIDv7 of the append. */
  readonly id: string
  readonly period: number
  readonly batch: string
  /** Unix milliseconds. */
  readonly at: number
  /** The leaves, 32 bytes each. */
  readonly commitments: Uint8Array
  readonly sealed: Uint8Array
}

/** One entry with all that its holder needs to show that the log has it. */
export interface OpenedBody {
  readonly body: Uint8Array
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
}

const FORMAT = 1
const LABEL = 'surety/audit-bodies/1'
const LENGTH_BYTES = 4
/** Format, nonce and tag. */
const OVERHEAD_BYTES = 29

/**
 * Seals bodies under a batch's key, each with a fresh salt. Format 1: `0x01 ‖ nonce ‖ AES-256-GCM of
 * (salt ‖ length, uint32 big-endian ‖ body) per entry ‖ tag`, bound to append, period, batch, time and leaves.
 *
 * @throws LogError `ERR_LOG_ENTRY` for more than one append may hold
 */
export function sealBodies(
  place: Omit<SealedBodies, 'commitments' | 'sealed'>,
  key: KeyObject,
  bodies: readonly Uint8Array[],
): SealedBodies {
  const length = bodies.reduce((bytes, body) => bytes + AUDIT_SALT_BYTES + LENGTH_BYTES + body.length, 0)
  if (bodies.length > MAX_APPEND_LEAVES || length + OVERHEAD_BYTES > MAX_APPEND_BYTES) throw tooMuch()
  const plaintext = Buffer.allocUnsafe(length)
  const salts = randomFillSync(Buffer.allocUnsafe(bodies.length * AUDIT_SALT_BYTES))
  let at = 0
  for (const [i, body] of bodies.entries()) {
    const salt = salts.subarray(i * AUDIT_SALT_BYTES, (i + 1) * AUDIT_SALT_BYTES)
    plaintext.set(salt, at)
    at = plaintext.writeUInt32BE(body.length, at + AUDIT_SALT_BYTES)
    plaintext.set(body, at)
    at += body.length
  }
  const commitments = commitAll(salts, bodies)
  const sealed = gcmSeal(key, associated({ ...place, commitments }), plaintext)
  return { ...place, commitments, sealed: concatBytes(Uint8Array.of(FORMAT), sealed) }
}

/** The leaves of `commitAuditEntry`, by the platform's own hash: the verifier's runs in browsers and takes thrice as long. */
function commitAll(salts: Uint8Array, bodies: readonly Uint8Array[]): Uint8Array {
  const start = AUDIT_ENTRY_LABEL.length + AUDIT_SALT_BYTES
  const longest = bodies.reduce((most, body) => Math.max(most, body.length), 0)
  const entry = Buffer.allocUnsafe(start + longest)
  const commitments = Buffer.allocUnsafe(bodies.length * AUDIT_LEAF_BYTES)
  entry.set(AUDIT_ENTRY_LABEL)
  for (const [i, body] of bodies.entries()) {
    const salt = salts.subarray(i * AUDIT_SALT_BYTES, (i + 1) * AUDIT_SALT_BYTES)
    entry.set(salt, AUDIT_ENTRY_LABEL.length)
    entry.set(body, start)
    const digest = hash('sha256', entry.subarray(0, start + body.length), 'hex')
    commitments.write(digest, i * AUDIT_LEAF_BYTES, 'hex')
  }
  return commitments
}

/**
 * Opens the bodies of one append, and checks that each is what its leaf commits to.
 * @throws LogError `ERR_LOG_BODY` where anything was changed
 */
export function openBodies(stored: SealedBodies, key: KeyObject): OpenedBody[] {
  const plaintext =
    stored.sealed[0] === FORMAT ? gcmOpen(key, associated(stored), stored.sealed.subarray(1)) : null
  if (plaintext === null)
    throw new LogError('ERR_LOG_BODY', `the audit bodies of append ${stored.id} do not open`)
  const leaves = splitLeaves(stored.commitments)
  let at = 0
  return leaves.map((commitment) => {
    const salt = plaintext.subarray(at, at + AUDIT_SALT_BYTES)
    const start = at + AUDIT_SALT_BYTES + LENGTH_BYTES
    at = start + plaintext.readUInt32BE(at + AUDIT_SALT_BYTES)
    return { body: plaintext.subarray(start, at), salt, commitment }
  })
}

/** The leaves of an append. @throws LogError `ERR_LOG_BODY` */
export function splitLeaves(commitments: Uint8Array): Uint8Array[] {
  const count = commitments.length / AUDIT_LEAF_BYTES
  if (count === 0 || !Number.isInteger(count))
    throw new LogError('ERR_LOG_BODY', 'the leaves of an audit append are malformed')
  return Array.from({ length: count }, (_, i) =>
    commitments.subarray(i * AUDIT_LEAF_BYTES, (i + 1) * AUDIT_LEAF_BYTES),
  )
}

function associated({ id, period, batch, at, commitments }: Omit<SealedBodies, 'sealed'>): Uint8Array {
  const digest = hash('sha256', commitments, 'buffer')
  return frame(LABEL, id, String(period), batch, String(at), digest)
}

function tooMuch() {
  const most = `${MAX_APPEND_LEAVES} events and ${MAX_APPEND_BYTES} bytes`
  return new LogError('ERR_LOG_ENTRY', `one append to the audit log holds at most ${most}`, {
    mend: 'change fewer rows in one statement',
  })
}
