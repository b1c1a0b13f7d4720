import { parsePermission, tenantColumn } from '../declare/index.ts'
import type { Action, Permission, Resource, Scope } from '../declare/index.ts'
import type { EffectiveGrant } from './grant.ts'
import { grantOf, personOf, tablesOfSystem, type Principal } from './principal.ts'

/** The configuration's roles, parsed once. */
export type Roles = ReadonlyMap<string, readonly Permission[]>

const WIDEST_FIRST: readonly Scope[] = ['any', 'tenant', 'own']

/**
 * Parses a configuration's role table.
 * @throws DeclareError `ERR_DECLARE_PERMISSION`
 */
export function parseRoles(roles: { readonly [role: string]: readonly string[] }): Roles {
  return new Map(
    Object.entries(roles).map(([role, texts]) => [role, texts.map((text) => parsePermission(text))]),
  )
}

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
 */
export function decide(principal: Principal, roles: Roles, resource: Resource, action: Action): Scope | null {
  if (principal.kind === 'system') return tablesOfSystem(principal)?.has(resource.name) ? 'any' : null
  if (principal.kind === 'operator') return decideByGrant(principal, grantOf(principal), resource, action)
  const names = ROLE_NAMES[principal.kind](principal)
  const scopes = names
    .flatMap((name) => roles.get(name) ?? [])
    .filter((permission) => permission.resource === resource.name && permission.actions.includes(action))
    .map((permission) => permission.scope)
  const widest = WIDEST_FIRST.find(
    (scope) => scopes.includes(scope) && isMeaningful(scope, principal, resource),
  )
  if (widest === 'tenant' && resource.tenant === null) return 'own'
  return widest ?? null
}

function decideByGrant(
  principal: Principal,
  grant: EffectiveGrant | null,
  resource: Resource,
  action: Action,
): Scope | null {
  if (!grant || !Object.hasOwn(grant.resources, resource.name) || !grant.actions.includes(action)) return null
  const scope = grant.scope.subject === null ? 'tenant' : 'own'
  return isMeaningful(scope, principal, resource) ? scope : null
}

const ROLE_NAMES: Readonly<
  Record<Exclude<Principal['kind'], 'system' | 'operator'>, (principal: Principal) => readonly string[]>
> = {
  user: (principal) => principal.roles,
  anonymous: () => ['anonymous'],
}

function isMeaningful(scope: Scope, principal: Principal, resource: Resource): boolean {
  if (scope === 'any') return true
  if (tenantColumn(resource) === null || tenantOf(principal, resource) === null) return false
  return scope === 'tenant' || (resource.subjects.length > 0 && personOf(principal) !== null)
}

/**
 * The value of a resource's tenant column for this principal's rows. Where a resource declares no
 * tenant, the person is their own tenant.
 */
export function tenantOf(principal: Principal, resource: Resource): string | null {
  return resource.tenant !== null ? principal.tenant : personOf(principal)
}
