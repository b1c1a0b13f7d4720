/**
 * Access: who is asking, and what they may do. Pure decisions over compiled permissions: no I/O, no
 * clock, no row is looked at. The store turns a decision into predicates and settings.
 *
 * Permissions come from the configuration's roles, or with the principal itself (`principalWith`):
 * then the object is the authority, and a copy of it has none of them. A permission may be limited
 * to columns; what is asked with the columns it uses is answered in the widest scope that has them all.
 *
 * Refused by default: what no role allows is null. An operator has what a grant in force says, and
 * nothing else; who may ask for one and who may approve it stands in `grant-rules.ts`, and what an
 * approval is in `passkey.ts`.
 */
export { isInside, lastingRange, parseRange, type AddressRange } from './address-range.ts'
export { columnsOf, decide, permissionsOf, tenantOf } from './decide.ts'
export { AccessError } from './errors.ts'
export {
  effectiveGrant,
  grantDigest,
  GRANT_KINDS,
  impersonatedBy,
  MOST_GRANT_MS,
  parseGrant,
  type EffectiveGrant,
  type Grant,
  type GrantDelay,
  type GrantKind,
  type GrantScope,
} from './grant.ts'
export {
  assertInTime,
  assertMayApprove,
  assertMayRequest,
  assertMayReview,
  foundersOf,
  LEAST_STAFF,
  mayReplacePasskeys,
  type Staff,
  type StaffMember,
  type StaffRoles,
} from './grant-rules.ts'
export {
  readRegistration,
  verifyAssertion,
  type Passkey,
  type PasskeyAlgorithm,
  type PasskeyAssertion,
  type PasskeyRegistration,
  type RelyingParty,
} from './passkey.ts'
export { NO_PERMISSIONS, PermissionSet, type Columns } from './permission-set.ts'
export {
  freezePrincipal,
  grantOf,
  operatorPrincipal,
  permissionsGiven,
  personOf,
  principalWith,
  standIn,
  systemPrincipal,
  tablesOfSystem,
  type Principal,
} from './principal.ts'
export { parseRoles, type Roles } from './roles.ts'
