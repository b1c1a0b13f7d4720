/**
 * Access: who is asking, and what they may do. Pure decisions over the configuration's roles: no
 * I/O, no clock, no row is looked at. The store turns a decision into predicates and settings.
 *
 * Refused by default: what no role allows is null. An operator has what a grant in force says, and
 * nothing else; who may ask for one and who may approve it stands in `grant-rules.ts`, and what an
 * approval is in `passkey.ts`.
 */
export { decide, parseRoles, tenantOf, type Roles } from './decide.ts'
export { AccessError } from './errors.ts'
export {
  effectiveGrant,
  grantDigest,
  GRANT_KINDS,
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
  isAppointeeOf,
  LEAST_STAFF,
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
export {
  freezePrincipal,
  grantOf,
  operatorPrincipal,
  personOf,
  systemPrincipal,
  tablesOfSystem,
  type Principal,
} from './principal.ts'
