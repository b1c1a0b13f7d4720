import { isId } from '../kernel/index.ts'
import { TenantsError } from './errors.ts'
import { findMember, insertMember, listMembers, removeMember, setRoles, type Member } from './memberships.ts'
import type { Office } from './office.ts'

/**
 * Members as an organisation's directory has them: what the configuration lets it decide, no administrator
 * has to hold. A tenant keeps an administrator here, too, and every change is audited.
 */
export interface Provisioning {
  /** Everybody, the oldest membership first. */
  list(tenant: string): Promise<readonly Member[]>
  /**
   * Makes somebody a member with exactly these roles, or gives a member these; with none they may nothing.
   * @throws TenantsError `ERR_TENANTS_MISSING`, `ERR_TENANTS_MEMBER`, `ERR_TENANTS_LAST_ADMINISTRATOR`
   */
  set(tenant: string, personId: string, roles: readonly string[]): Promise<void>
  /** Takes somebody out, with their keys. @throws TenantsError as {@link Provisioning.set} */
  remove(tenant: string, personId: string): Promise<void>
}

const DIRECTORY = { kind: 'system', id: 'tenants.provisioning', tenant: null, roles: [] } as const

export function createProvisioning(office: Office): Provisioning {
  const { change, db } = office
  return {
    list: (tenant) => listMembers({ db, tenant }),
    set: (tenant, personId, roles) =>
      change(tenant, async (open) => {
        if (!isId(personId)) throw new TenantsError('ERR_TENANTS_MEMBER', 'this is no person')
        const member = await findMember(open.db, tenant, personId)
        if (member) await setRoles(office, open, DIRECTORY, member, roles)
        else await insertMember(open, DIRECTORY, personId, roles)
      }),
    remove: (tenant, personId) =>
      change(tenant, async (open) => {
        const member = await findMember(open.db, tenant, personId)
        if (member) await removeMember(office, open, DIRECTORY, member)
      }),
  }
}
