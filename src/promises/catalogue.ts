import { accessRbac } from './access-rbac.ts'
import { accessTenantIsolation } from './access-tenant-isolation.ts'
import { authBruteForce } from './auth-brute-force.ts'
import { authMfa } from './auth-mfa.ts'
import { authPasswords } from './auth-passwords.ts'
import { dataDeclaredFields } from './data-declared-fields.ts'
import { dataInventory } from './data-inventory.ts'
import type { PromiseDefinition } from './definition.ts'
import { disclosureContact } from './disclosure-contact.ts'
import { encryptionKeysApart } from './encryption-keys-apart.ts'
import { encryptionPasswords } from './encryption-passwords.ts'
import { encryptionRest } from './encryption-rest.ts'
import { guardHeaders } from './guard-headers.ts'
import { monitorAuditTrail } from './monitor-audit-trail.ts'
import { privacyLawfulBasis } from './privacy-lawful-basis.ts'
import { retentionLogs } from './retention-logs.ts'

const DEFINITIONS: readonly PromiseDefinition[] = [
  accessRbac,
  accessTenantIsolation,
  authBruteForce,
  authMfa,
  authPasswords,
  dataDeclaredFields,
  dataInventory,
  disclosureContact,
  encryptionKeysApart,
  encryptionPasswords,
  encryptionRest,
  guardHeaders,
  monitorAuditTrail,
  privacyLawfulBasis,
  retentionLogs,
]

/** The promises that have a mechanism, by id. */
export const catalogue: ReadonlyMap<string, PromiseDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.id, definition]),
)
