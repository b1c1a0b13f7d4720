import { expect, test } from 'vitest'
import { utf8 } from '../kernel/index.ts'
import { AUDIT_SALT_BYTES, commitAuditEntry } from './audit-commitment.ts'

test('nobody guesses an entry from its leaf: equal entries under other salts have other leaves', () => {
  const body = utf8('{"kind":"system.started"}')
  const [one, other] = [1, 2].map((fill) => new Uint8Array(AUDIT_SALT_BYTES).fill(fill))
  expect(commitAuditEntry(one!, body)).toEqual(commitAuditEntry(one!, body))
  expect(commitAuditEntry(one!, body)).not.toEqual(commitAuditEntry(other!, body))
})

test('a salt of another length is refused', () => {
  expect(() => commitAuditEntry(new Uint8Array(AUDIT_SALT_BYTES - 1), utf8('{}'))).toThrow(
    expect.objectContaining({ code: 'ERR_VERIFY_PROOF' }) as Error,
  )
})
