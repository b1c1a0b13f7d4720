import { concatBytes, utf8 } from '../kernel/index.ts'
import { VerifyError } from './errors.ts'
import { HASH_BYTES, hashBytes } from './hash-bytes.ts'

/** Bytes of the random salt of an audit entry. */
export const AUDIT_SALT_BYTES = 32

/** What stands before the salt in all that a leaf is the hash of. */
export const AUDIT_ENTRY_LABEL = utf8('surety/audit-entry/1\n')

/**
 * The leaf of an audit entry, format 1: SHA-256 over the label `surety/audit-entry/1`, a line feed, 32
 * random bytes and the canonical JSON of the entry (RFC 8785). It tells nothing of the entry; whoever
 * is given entry and salt can show with a tlog-proof that the audit log holds it.
 *
 * @throws VerifyError `ERR_VERIFY_PROOF` for a salt of another length
 */
export function commitAuditEntry(salt: Uint8Array, body: Uint8Array): Uint8Array {
  if (salt.length !== AUDIT_SALT_BYTES)
    throw new VerifyError('ERR_VERIFY_PROOF', `the salt of an audit entry has ${salt.length} bytes, not 32`)
  return hashBytes(concatBytes(AUDIT_ENTRY_LABEL, salt, body))
}

/** Bytes of an audit log's leaf. */
export const AUDIT_LEAF_BYTES = HASH_BYTES
