/**
 * Access: who is asking, and what they may do. Pure decisions over compiled permissions: no I/O, no
 * clock, no row is looked at. The store turns a decision into predicates and settings.
 *
 * Permissions come from the configuration's roles, or with the principal itself (`principalWith`):
 * then the object is the authority, and a copy of it has none of them. A permission may be limited
 * to columns; what is asked with the columns it uses is answered in the widest scope that has them all.
 *
 * Refused by default: what no role allows is null. What it does not do: operators' grants (an
 * operator is refused everywhere).
 */
export { isInside, parseRange, type AddressRange } from './address-range.ts'
export { columnsOf, decide, permissionsOf, tenantOf } from './decide.ts'
export { AccessError } from './errors.ts'
export { NO_PERMISSIONS, PermissionSet, type Columns } from './permission-set.ts'
export {
  freezePrincipal,
  permissionsGiven,
  principalWith,
  standIn,
  systemPrincipal,
  tablesOfSystem,
  type Principal,
} from './principal.ts'
export { parseRoles, type Roles } from './roles.ts'
