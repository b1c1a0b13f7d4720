import { PermissionSet, type Roles } from '../access/index.ts'
import {
  parsePermission,
  tenantColumn,
  type Permission,
  type PermissionText,
  type Resource,
  type ResourceMap,
  type Scope,
} from '../declare/index.ts'
import { TenantsError } from './errors.ts'
import { tenantResources } from './resources.ts'

/** The role that manages a tenant: members, roles, keys, addresses, reviews. Built in, as is {@link MEMBER}. */
export const ADMINISTRATOR = 'administrator'
export const MEMBER = 'member'

const CUSTOM = /^custom:([0-9a-f-]{36})$/

/** The name by which a membership holds a role that the tenant made; no role of a configuration is called so. */
export function customName(id: string): string {
  return `custom:${id}`
}

/** The id inside such a name; null for a role of the configuration. */
export function customId(name: string): string | null {
  return CUSTOM.exec(name)?.[1] ?? null
}

export type RoleTable = { readonly [role: string]: readonly PermissionText[] }

/** Names of the roles that can be given without having been made: built in, and of the configuration. */
export function givenRoles(roles: RoleTable): readonly string[] {
  // `anonymous` is what visitors may; nobody is made one.
  return [...new Set([ADMINISTRATOR, MEMBER, ...Object.keys(roles)])].filter((role) => role !== 'anonymous')
}

/**
 * Only this room writes its tables: whoever could do so by a permission would pass by its rules.
 * @throws TenantsError `ERR_TENANTS_CONFIG`
 */
export function checkRoles(roles: RoleTable): void {
  for (const [role, texts] of Object.entries(roles)) {
    for (const text of texts) {
      const { resource, actions } = parsePermission(text)
      if (Object.hasOwn(tenantResources, resource) && actions.some((action) => action !== 'read')) {
        throw new TenantsError('ERR_TENANTS_CONFIG', `roles.${role} grants ${text}`, {
          mend: `leave it at ${resource}:read: only the library writes its tables`,
        })
      }
    }
  }
}

/**
 * Permissions as a tenant may combine them into a role: on declared resources, of its own rows only.
 * @throws TenantsError `ERR_TENANTS_PERMISSION`
 */
export function parseGrantable(resources: ResourceMap, texts: readonly string[]): PermissionSet {
  const asked = PermissionSet.of(texts.map((text) => checkGrantable(resources, text)))
  // As many, and as long, as a row of the tables holds.
  if (asked.texts.length > 500 || asked.texts.some((text) => text.length > 4_096)) refuse()
  return asked
}

function checkGrantable(resources: ResourceMap, text: string): Permission {
  const permission = parse(text)
  const resource = Object.hasOwn(resources, permission.resource) ? resources[permission.resource] : undefined
  const { scope, columns } = permission
  if (!resource || (columns ?? []).some((name) => !Object.hasOwn(resource.fields, name))) refuse()
  const owned = tenantColumn(resource) !== null || resource.subjects.length > 0
  if ((scope === 'any') === owned || (scope === 'own' && resource.subjects.length === 0)) refuse()
  return permission
}

/** What somebody who holds these permissions may put into a role or a key of their tenant. */
export function grantableOf(resources: ResourceMap, held: PermissionSet): PermissionSet {
  return PermissionSet.of(
    held.permissions.flatMap((permission): Permission[] => {
      const resource = Object.hasOwn(resources, permission.resource)
        ? resources[permission.resource]
        : undefined
      if (!resource) return []
      const isOwned = tenantColumn(resource) !== null || resource.subjects.length > 0
      if (!isOwned) return permission.scope === 'any' ? [permission] : []
      const scope = permission.scope === 'any' ? 'tenant' : permission.scope
      return scope === 'own' && resource.subjects.length === 0 ? [] : [{ ...permission, scope }]
    }),
  )
}

/** The scopes that can be meant of a resource within a tenant, the narrowest first. */
export function scopesOf(resource: Resource): readonly Scope[] {
  if (resource.subjects.length > 0) return ['own', 'tenant']
  return tenantColumn(resource) === null ? ['any'] : ['tenant']
}

function parse(text: string): Permission {
  try {
    return parsePermission(text)
  } catch {
    return refuse()
  }
}

function refuse(): never {
  throw new TenantsError('ERR_TENANTS_PERMISSION', 'a permission cannot be given to a role of a tenant')
}

/**
 * Nobody grants more than they hold.
 * @throws TenantsError `ERR_TENANTS_BEYOND`
 */
export function requireHeld(held: PermissionSet, asked: PermissionSet): void {
  const [beyond] = held.lacks(asked)
  if (beyond) {
    const { actions, resource, scope } = beyond
    throw new TenantsError(
      'ERR_TENANTS_BEYOND',
      `you do not hold ${resource}:${actions.join()}:${scope} so widely`,
    )
  }
}

/** What a list of roles allows together: those of the configuration, and those that the tenant made. */
export function allowAll(
  roles: Roles,
  names: readonly string[],
  custom: ReadonlyMap<string, PermissionSet>,
): PermissionSet {
  const configured = roles.allow(names.filter((name) => customId(name) === null))
  return names
    .map((name) => custom.get(customId(name) ?? ''))
    .reduce<PermissionSet>((all, set) => (set ? all.union(set) : all), configured)
}
