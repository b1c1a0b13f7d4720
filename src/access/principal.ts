import { isId } from '../kernel/index.ts'
import { AccessError } from './errors.ts'
import type { EffectiveGrant } from './grant.ts'
import type { PermissionSet } from './permission-set.ts'
import { internRoles } from './roles.ts'

/** Who is asking. Surety never guesses one: every governed statement carries a principal. */
export interface Principal {
  readonly kind: 'user' | 'operator' | 'system' | 'anonymous'
  /** The person's pseudonym (a subject id), the operator's id, or the name of a system task. */
  readonly id: string
  /** The tenant the principal acts in; null before one is known and for `system`. */
  readonly tenant: string | null
  readonly roles: readonly string[]
  /** The operator's grant, when there is one. */
  readonly grant?: string
}

const systemTables = new WeakMap<Principal, ReadonlySet<string>>()

/**
 * The principal of one of the library's own tasks: every action, every tenant, on the tables it
 * names and on no other. The object itself is the authority: a copy or a look-alike has none.
 *
 * @param task what runs, for logs; never a person's data
 */
export function systemPrincipal(task: string, tables: readonly string[]): Principal {
  const principal: Principal = Object.freeze({
    kind: 'system',
    id: task,
    tenant: null,
    roles: Object.freeze([]),
  })
  systemTables.set(principal, new Set(tables))
  return principal
}

/** The tables of a genuine system principal; null for anything else. */
export function tablesOfSystem(principal: Principal): ReadonlySet<string> | null {
  return systemTables.get(principal) ?? null
}

const grants = new WeakMap<Principal, EffectiveGrant>()

/**
 * An operator with a grant in force, for one statement. As with a system principal, the object itself
 * is the authority: whoever makes one has just found the grant approved and in time.
 *
 * @throws AccessError `ERR_ACCESS_PRINCIPAL` where the grant is somebody else's
 */
export function operatorPrincipal({ kind, id, roles }: Principal, grant: EffectiveGrant): Principal {
  if (kind !== 'operator' || grant.requester !== id) {
    throw new AccessError('ERR_ACCESS_PRINCIPAL', 'the grant is not this operator’s')
  }
  const principal: Principal = Object.freeze({
    kind,
    id,
    tenant: grant.scope.tenant,
    roles: Object.freeze([...roles]),
    grant: grant.id,
  })
  grants.set(principal, grant)
  return principal
}

/** The grant of a genuine operator principal; null for anything else. */
export function grantOf(principal: Principal): EffectiveGrant | null {
  return grants.get(principal) ?? null
}

/** The person whose own rows a principal may reach: itself, or whom its grant names; null for nobody. */
export function personOf(principal: Principal): string | null {
  if (principal.kind === 'user') return principal.id
  return grantOf(principal)?.scope.subject ?? null
}

const givenPermissions = new WeakMap<Principal, PermissionSet>()

/**
 * A person with exactly these permissions, whatever the configuration says of roles of these names:
 * how a tenant's own roles and the scopes of a key reach the store. As with a system principal the
 * object itself is the authority. A copy has what its `roles` mean in the configuration, so a person
 * who has less than that must not carry the role's name.
 *
 * It holds what held when it was made: make one for each request.
 *
 * @throws AccessError `ERR_ACCESS_PRINCIPAL`
 */
export function principalWith(
  who: Pick<Principal, 'id' | 'tenant' | 'roles'>,
  permissions: PermissionSet,
): Principal {
  const principal = freezePrincipal({ kind: 'user', id: who.id, tenant: who.tenant, roles: who.roles })
  givenPermissions.set(principal, permissions)
  return principal
}

/** The permissions that a principal was made with; null where its roles decide. */
export function permissionsGiven(principal: Principal): PermissionSet | null {
  return givenPermissions.get(principal) ?? null
}

/** Somebody else with the same authority: for plans that are made before it is known who asks. */
export function standIn(principal: Principal, who: Pick<Principal, 'id' | 'tenant'>): Principal {
  const other: Principal = Object.freeze({ ...principal, id: who.id, tenant: who.tenant })
  const given = permissionsGiven(principal)
  if (given) givenPermissions.set(other, given)
  return other
}

/**
 * A frozen copy of a principal that later changes of the caller's object cannot reach; one that is
 * its own authority is returned as it is.
 *
 * @throws AccessError `ERR_ACCESS_PRINCIPAL`, `ERR_ACCESS_SYSTEM`
 */
export function freezePrincipal(principal: Principal): Principal {
  if (systemTables.has(principal) || givenPermissions.has(principal)) return principal
  if (principal.kind === 'system') {
    throw new AccessError('ERR_ACCESS_SYSTEM', 'a system principal was not made by systemPrincipal()')
  }
  const { kind, id, tenant, roles, grant } = principal
  const identified = kind === 'anonymous' || ((kind === 'user' || kind === 'operator') && isId(id))
  const rolesAreTexts = Array.isArray(roles) && roles.every((role) => typeof role === 'string')
  if (!identified || !(tenant === null || isId(tenant)) || !rolesAreTexts) {
    throw new AccessError(
      'ERR_ACCESS_PRINCIPAL',
      'the principal has an unknown kind, or an id, tenant or roles that are none',
    )
  }
  const copy = { kind, id, tenant, roles: internRoles(roles) }
  return Object.freeze(grant === undefined ? copy : { ...copy, grant })
}
