/**
 * Access: who is asking, and what they may do. Pure decisions over the configuration's roles: no
 * I/O, no clock, no row is looked at. The store turns a decision into predicates and settings.
 *
 * Refused by default: what no role allows is null. What it does not do: operators' grants (an
 * operator is refused everywhere), and anything about columns.
 */
export { isInside, parseRange, type AddressRange } from './address-range.ts'
export { decide, parseRoles, tenantOf, type Roles } from './decide.ts'
export { AccessError } from './errors.ts'
export { freezePrincipal, systemPrincipal, tablesOfSystem, type Principal } from './principal.ts'
