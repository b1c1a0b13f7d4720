import { isId } from '../kernel/index.ts'
import { findMember, type Change, type Member, type Office } from './change.ts'
import { TenantsError } from './errors.ts'
import { insertMember, listMembers, requireAnother, writeRoles } from './members.ts'
import { ADMINISTRATOR } from './rules.ts'

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
        if (member) await setRoles(office, open, member, roles)
        else await insertMember(open, DIRECTORY, personId, roles)
      }),
    remove: (tenant, personId) =>
      change(tenant, async (open) => {
        const member = isId(personId) ? await findMember(open.db, tenant, personId) : null
        if (!member) return
        await requireAnother(office, open, member)
        await open.db
          .deleteFrom('tenant_keys')
          .where('personId', '=', personId)
          .where('tenantId', '=', tenant)
          .execute()
        await open.db.deleteFrom('tenant_members').where('id', '=', member.id).execute()
        const about = { what: 'membership', subject: personId, row: member.id } as const
        open.tell({ ...about, actor: DIRECTORY, before: member.roles, after: null })
      }),
  }
}

async function setRoles(
  office: Office,
  open: Change,
  member: Member,
  roles: readonly string[],
): Promise<void> {
  if (!roles.includes(ADMINISTRATOR)) await requireAnother(office, open, member)
  await writeRoles(open, DIRECTORY, member, roles)
}
