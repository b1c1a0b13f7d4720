import { PermissionSet } from '../access/index.ts'
import { ACTIONS, tenantColumn, type Permission, type SuretyConfig } from '../declare/index.ts'

/** What roles of customers can be made of: each declared resource, action and scope of its own. */
export function grantablePermissions({ resources }: Pick<SuretyConfig, 'resources'>): Permission[] {
  return Object.values(resources)
    .filter((resource) => tenantColumn(resource) !== null)
    .flatMap((resource) =>
      ACTIONS.flatMap((action) => {
        const scopes = resource.subjects.length > 0 ? (['own', 'tenant'] as const) : (['tenant'] as const)
        return scopes.map((scope) => ({ resource: resource.name, actions: [action], scope, columns: null }))
      }),
    )
}

export function lacks(held: PermissionSet, permission: Permission): boolean {
  return held.lacks(PermissionSet.of([permission])).length > 0
}
