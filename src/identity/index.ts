/**
 * Identity: who is signed in.
 *
 * Promise: nobody is signed in who has not proved it, as fully as their roles ask; a stolen database
 * signs nobody in; what a stranger tries tells them nothing about who has an account.
 *
 * How: accounts, credentials, sessions and factors are governed resources, sealed like all personal
 * data (`resources.ts`). Better Auth works on them through an adapter of ours (`better-auth/`):
 * accounts and passwords are its, loaded with the first sign-in; sessions, second factors, cookies and
 * all times are this room's. Of tokens and codes only SHA-256 is stored, of passwords Argon2id.
 *
 * Guessing is slowed down and stopped by `brute-force/`, behind the port in `sign-in-guard.ts`.
 *
 * Not here: roles and tenants, HTTP. An app with a login of its own passes `identify` and uses none of this.
 */
export { createAccounts, type Account, type AccountPage, type Accounts, type NewAccount } from './accounts.ts'
export { createPostgresAttempts, type AttemptStore } from './brute-force/attempt-store.ts'
export {
  createBruteForceGuard,
  type BruteForceOptions,
  type GuardEvent,
} from './brute-force/brute-force-guard.ts'
export { createRedisAttempts } from './brute-force/redis-attempts.ts'
export { accountStore, type AccountDatabase, type AccountStore } from './database.ts'
export { accountPages } from './views/account-pages.ts'
export { canonicalEmail } from './email.ts'
export { IdentityError } from './errors.ts'
export { createIdentity, type Identity, type IdentityOptions, type SignedIn } from './identity.ts'
export { discoverProvider } from './oidc/discovery.ts'
export { ProviderSignInError } from './oidc/errors.ts'
export {
  createProviderAccounts,
  type ProviderAccount,
  type ProviderAccounts,
} from './oidc/provider-accounts.ts'
export {
  asksAnew,
  createProviderSignIn,
  type FinishedSignIn,
  type ProviderSignIn,
  type ProviderSignInOptions,
  type VerifiedIdentity,
} from './oidc/provider-sign-in.ts'
export { addressIn, installationDirectory, type Directory, type ScimUser } from './scim/directory.ts'
export { ScimError } from './scim/errors.ts'
export {
  GROUP_SCHEMA,
  parseGroup,
  parseGroupPatch,
  toScimGroup,
  type Group,
  type Groups,
} from './scim/groups.ts'
export { scimResources, type ScimTables } from './scim/resources.ts'
export {
  LIST_SCHEMA,
  parseFilter,
  parsePatch,
  parseUser,
  toScimUser,
  USER_SCHEMA,
  type UserChanges,
} from './scim/scim-user.ts'
export { tenantDirectory, type ProvisionedTenant } from './scim/tenant-directory.ts'
export { useOnce } from './use-once.ts'
export {
  createPasswordHasher,
  isWeaker,
  OWASP_ARGON2,
  parseHash,
  type Argon2Parameters,
} from './passwords/argon2.ts'
export { returnPath } from './form-token.ts'
export type { AccountView } from './identity.ts'
export type { EnrolledFactors } from './second-factors/second-factors.ts'
export { totpCode, totpStep, totpUri } from './second-factors/totp.ts'
export { SECOND_FACTORS, showsSecondFactor } from './sessions.ts'
export { identityMigrations } from './migrations.ts'
export type { Client } from './password-sign-in.ts'
export { LEAST_SCORE, MIN_PASSWORD_CHARACTERS } from './passwords/password-rules.ts'
export { accountResources, REALM, type AccountTables } from './resources.ts'
export { hashSecret, mintToken } from './secrets.ts'
export { cookieOf } from './session-cookie.ts'
export { sessionPolicy, type SessionPolicy } from './session-policy.ts'
export type { Session, SignInMethod } from './sessions.ts'
export { openGuard, type SignInAttempt, type SignInGuard } from './sign-in-guard.ts'
