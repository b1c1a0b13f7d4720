import { ownerColumns, type Action, type Resource, type Scope } from '../declare/index.ts'
import type { EffectiveGrant } from './grant.ts'
import {
  isWithin,
  NO_PERMISSIONS,
  SCOPE_BIT,
  WIDEST_FIRST,
  type Columns,
  type PermissionSet,
} from './permission-set.ts'
import { grantOf, permissionsGiven, personOf, tablesOfSystem, type Principal } from './principal.ts'
import type { Roles } from './roles.ts'

/** The widest scope among bits of scopes. */
const WIDEST: readonly (Scope | null)[] = Array.from(
  { length: 8 },
  (_, bits) => WIDEST_FIRST.find((scope) => (bits & SCOPE_BIT[scope]) !== 0) ?? null,
)

const ANONYMOUS: readonly string[] = Object.freeze(['anonymous'])

/**
 * The widest scope in which a principal may act on a resource, or null: it may not.
 *
 * - `own`: rows whose subject is the principal, inside its tenant; where rows have several subjects,
 *   those of which it is any. `tenant`: rows of its tenant.
 *   Where a resource declares no tenant, a person is their own tenant, so `tenant` means `own`.
 * - A scope that cannot be meant (no tenant known, or no such column) is passed over.
 * - `anonymous` has the permissions of the role `anonymous`, if one is declared, whatever it claims.
 * - `system` has `any` on the tables it was made for.
 * - `operator` has what its grant says: `own` means the rows of the grant's person.
 *
 * @param columns the fields it is about: the scope is the widest in which all of them are allowed.
 *   Default none: then any permission does
 */
export function decide(
  principal: Principal,
  roles: Roles,
  resource: Resource,
  action: Action,
  columns: ReadonlySet<string> | null = null,
): Scope | null {
  if (principal.kind === 'system') return tablesOfSystem(principal)?.has(resource.name) ? 'any' : null
  if (principal.kind === 'operator')
    return decideByGrant(principal, grantOf(principal), resource, action, columns)
  const permissions = permissionsOf(principal, roles)
  const scopes = permissions.scopes(resource.name, action)
  if (scopes === 0) return null
  const meant = scopes & meaningfulScopes(principal, resource)
  const limits = columns === null ? null : permissions.limits(resource.name, action)
  const scope =
    limits === null
      ? WIDEST[meant]!
      : WIDEST_FIRST.find((each) => (meant & SCOPE_BIT[each]) !== 0 && isWithin(columns, limits[each]))
  return asMeant(scope ?? null, resource)
}

function decideByGrant(
  principal: Principal,
  grant: EffectiveGrant | null,
  resource: Resource,
  action: Action,
  columns: ReadonlySet<string> | null,
): Scope | null {
  if (!grant || !Object.hasOwn(grant.resources, resource.name) || !grant.actions.includes(action)) return null
  const granted = grant.resources[resource.name] ?? null
  const named = granted && new Set([...granted, ...ownerColumns(resource)])
  if (columns !== null && named !== null && !isWithin(columns, named)) return null
  const scope = grant.scope.subject === null ? 'tenant' : 'own'
  return (meaningfulScopes(principal, resource) & SCOPE_BIT[scope]) === 0 ? null : scope
}

/** The fields that a principal may read or write within a scope that {@link decide} gave. */
export function columnsOf(
  principal: Principal,
  roles: Roles,
  resource: Resource,
  action: Action,
  scope: Scope,
): Columns {
  if (principal.kind === 'system' || principal.kind === 'operator') return null
  const permissions = permissionsOf(principal, roles)
  // Where a resource declares no tenant, `own` may have been given as `tenant`: the narrower has both.
  return permissions.columns(resource.name, action, scope) ?? null
}

/** Everything that a person's roles allow, or what it was made with; neither a task's nor an operator's. */
export function permissionsOf(principal: Principal, roles: Roles): PermissionSet {
  if (principal.kind === 'user') return permissionsGiven(principal) ?? roles.allow(principal.roles)
  return principal.kind === 'anonymous' ? roles.allow(ANONYMOUS) : NO_PERMISSIONS
}

function asMeant(scope: Scope | null, resource: Resource): Scope | null {
  return scope === 'tenant' && resource.tenant === null ? 'own' : scope
}

function meaningfulScopes(principal: Principal, resource: Resource): number {
  const bound = (resource.tenant ?? resource.subject) !== null && tenantOf(principal, resource) !== null
  if (!bound) return SCOPE_BIT.any
  const owns = resource.subjects.length > 0 && personOf(principal) !== null
  return SCOPE_BIT.any | SCOPE_BIT.tenant | (owns ? SCOPE_BIT.own : 0)
}

/**
 * The value of a resource's tenant column for this principal's rows. Where a resource declares no
 * tenant, the person is their own tenant.
 */
export function tenantOf(principal: Principal, resource: Resource): string | null {
  return resource.tenant !== null ? principal.tenant : personOf(principal)
}
