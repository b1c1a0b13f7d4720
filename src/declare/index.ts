/**
 * Declare: the data map, the roles and the configuration, as data. Everything else derives from
 * them. Each definition is checked when it is made and refused with the key and the mend. No I/O.
 */
export {
  blindColumn,
  blindFields,
  clearFields,
  ENVELOPE_COLUMN,
  envelopesOf,
  IMPLICIT_COLUMNS,
  isSealed,
  keyOwnerColumn,
  ownerColumns,
  sealedFields,
  tenantColumn,
  type Envelope,
} from './columns.ts'
export type {
  BackupPolicy,
  Canary,
  CanaryIntent,
  CanaryPerson,
  Disclosure,
  ErasurePolicy,
  KeyPolicy,
  RequestInput,
  ResourceMap,
  SuretyConfig,
  WitnessConfig,
} from './config.ts'
export {
  checkErasureTimes,
  erasureTimes,
  type ErasureTimes,
  type TimeFinding,
  type TimeLimits,
} from './erasure-times.ts'
export { field } from './define-field.ts'
export { ACTIONS, formatPermission, parsePermission } from './define-permission.ts'
export { resource, type ResourceDefinition } from './define-resource.ts'
export { defineSurety } from './define-surety.ts'
export { DeclareError, ValueError } from './errors.ts'
export type { Field, FieldIndex, FieldKind, FieldValue } from './field.ts'
export {
  keyProviderWaitMs,
  listKeyProviders,
  type KeyProviderConfig,
  type KeyProviderSettings,
  type SecretSource,
} from './key-provider.ts'
export type { MailMessage, MailPort } from './mail.ts'
export type { Action, Permission, PermissionText, Scope } from './permission.ts'
export type { FieldMap, LawfulBasis, OnErase, Resource, Subject } from './resource.ts'
export { erasureOf, type RowErasure } from './row-erasure.ts'
export {
  checkSignInProviders,
  github,
  google,
  type OAuthSignInProvider,
  type OidcSignInProvider,
  type SignInProvider,
} from './sign-in-provider.ts'
export type { IdentifiedPerson, SignInConfig } from './sign-in.ts'
export type { RowOf, TableOf, TablesOf } from './row.ts'
export { STAFF_PREFIX } from './define-staff.ts'
export type { PrivilegedHolding, StaffConfig, StaffQuery, StaffRole } from './staff.ts'
export { requireSubjects, validateRow, type ValidatedRow } from './validate-row.ts'
