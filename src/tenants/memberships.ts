import type { Kysely } from 'kysely'
import { isId } from '../kernel/index.ts'
import type { AccessChanged } from '../log/index.ts'
import { TenantsError } from './errors.ts'
import type { Change, Look, Office, TenantTables } from './office.ts'
import { ADMINISTRATOR } from './rules.ts'

/** Somebody in a tenant. */
export interface Member {
  readonly id: string
  readonly personId: string
  readonly tenantId: string
  readonly roles: readonly string[]
  readonly lastUsedAt: Date | null
}

const MEMBER = ['id', 'personId', 'tenantId', 'roles', 'lastUsedAt'] as const

export async function findMember(
  db: Kysely<TenantTables>,
  tenant: string,
  personId: string,
): Promise<Member | null> {
  if (!isId(personId)) return null
  const row = await db
    .selectFrom('tenant_members')
    .select(MEMBER)
    .where('tenantId', '=', tenant)
    .where('personId', '=', personId)
    .executeTakeFirst()
  return row ?? null
}

/** Everybody in a tenant, the oldest membership first. */
export async function listMembers({ db, tenant }: Look): Promise<readonly Member[]> {
  return db.selectFrom('tenant_members').select(MEMBER).where('tenantId', '=', tenant).orderBy('id').execute()
}

/** Of one person in every tenant, the oldest first. */
export async function membershipsOf(db: Kysely<TenantTables>, personId: string): Promise<readonly Member[]> {
  if (!isId(personId)) return []
  return db
    .selectFrom('tenant_members')
    .select(MEMBER)
    .where('personId', '=', personId)
    .orderBy('id')
    .execute()
}

/** Who changes something, for the audit log. */
type Actor = AccessChanged['actor']

export async function insertMember(
  { db, tenant, tell }: Change,
  actor: Actor,
  personId: string,
  roles: readonly string[],
): Promise<void> {
  const { id } = await db
    .insertInto('tenant_members')
    .values({ personId, tenantId: tenant, roles: [...roles] })
    .returning('id')
    .executeTakeFirstOrThrow()
  tell({ what: 'membership', subject: personId, row: id, actor, before: null, after: [...roles] })
}

/** Gives a member exactly these roles. @throws TenantsError `ERR_TENANTS_LAST_ADMINISTRATOR` */
export async function setRoles(
  office: Office,
  open: Change,
  actor: Actor,
  member: Member,
  roles: readonly string[],
): Promise<void> {
  if (!roles.includes(ADMINISTRATOR)) await requireAnother(office, open, member)
  await open.db
    .updateTable('tenant_members')
    .set({ roles: [...roles] })
    .where('id', '=', member.id)
    .execute()
  const about = { what: 'membership', subject: member.personId, row: member.id } as const
  open.tell({ ...about, actor, before: member.roles, after: [...roles] })
}

/** Takes somebody out, with their keys. @throws TenantsError `ERR_TENANTS_LAST_ADMINISTRATOR` */
export async function removeMember(
  office: Office,
  open: Change,
  actor: Actor,
  member: Member,
): Promise<void> {
  await requireAnother(office, open, member)
  const { id, personId, roles } = member
  await open.db
    .deleteFrom('tenant_keys')
    .where('personId', '=', personId)
    .where('tenantId', '=', open.tenant)
    .execute()
  await open.db.deleteFrom('tenant_members').where('id', '=', id).execute()
  open.tell({ what: 'membership', subject: personId, row: id, actor, before: roles, after: null })
}

/** A tenant keeps an administrator. Under the tenant's lock, so that two who go at once are not both let. */
async function requireAnother(office: Office, open: Change, leaving: Member): Promise<void> {
  if (!leaving.roles.includes(ADMINISTRATOR) || (await hasAdministrator(office, open, leaving))) return
  throw new TenantsError(
    'ERR_TENANTS_LAST_ADMINISTRATOR',
    'the tenant would be left without an administrator',
  )
}

/** Whether somebody can sign in as an administrator, whoever leaves left out. */
export async function hasAdministrator(office: Office, open: Change, leaving?: Member): Promise<boolean> {
  for (const { id, personId, roles } of await listMembers(open)) {
    const counts = id !== leaving?.id && roles.includes(ADMINISTRATOR)
    if (counts && !(await office.isSwitchedOff(personId))) return true
  }
  return false
}
