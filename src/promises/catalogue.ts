import { accessCustomRoles } from './access-custom-roles.ts'
import { accessIpAllowList } from './access-ip-allow-list.ts'
import { accessRbac } from './access-rbac.ts'
import { accessReview } from './access-review.ts'
import { accessTenantIsolation } from './access-tenant-isolation.ts'
import { authBruteForce } from './auth-brute-force.ts'
import { authMfa } from './auth-mfa.ts'
import { authOauth } from './auth-oauth.ts'
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
import { staffAccessControlled } from './staff-access-controlled.ts'
import { staffAccessLogged } from './staff-access-logged.ts'
import { staffPrivileged } from './staff-privileged.ts'

const DEFINITIONS: readonly PromiseDefinition[] = [
  accessCustomRoles,
  accessIpAllowList,
  accessRbac,
  accessReview,
  accessTenantIsolation,
  authBruteForce,
  authMfa,
  authOauth,
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
  staffAccessControlled,
  staffAccessLogged,
  staffPrivileged,
]

/** The promises that have a mechanism, by id. */
export const catalogue: ReadonlyMap<string, PromiseDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.id, definition]),
)
