/**
 * Declare: the data map, the roles and the configuration, as data. Everything else derives from
 * them. Each definition is checked when it is made and refused with the key and the mend. No I/O.
 */
export {
  blindColumn,
  blindFields,
  clearFields,
  ENVELOPE_COLUMN,
  IMPLICIT_COLUMNS,
  isSealed,
  keyOwnerColumn,
  sealedFields,
  tenantColumn,
} from './columns.ts'
export type {
  Canary,
  CanaryIntent,
  CanaryPerson,
  Disclosure,
  RequestInput,
  ResourceMap,
  SuretyConfig,
} from './config.ts'
export { field } from './define-field.ts'
export { parsePermission } from './define-permission.ts'
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
export type { Action, Permission, PermissionText, Scope } from './permission.ts'
export type { FieldMap, LawfulBasis, Resource } from './resource.ts'
export type { RowOf, TableOf, TablesOf } from './row.ts'
export { validateRow, type ValidatedRow } from './validate-row.ts'
