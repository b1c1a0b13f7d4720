import type { Kysely } from 'kysely'
import { PermissionSet, type Principal } from '../access/index.ts'
import type { AccessChanged } from '../log/index.ts'
import { TenantsError } from './errors.ts'
import { findMember, type Member } from './memberships.ts'
import type { Look, Office, TenantTables } from './office.ts'
import { ADMINISTRATOR, allowAll, customId } from './rules.ts'

/** Whose permissions decide, as they are now. */
export interface Standing {
  readonly member: Member
  readonly permissions: PermissionSet
}

/** A member's permissions, read now: from the configuration and from the roles that the tenant made. */
export async function standingOf(
  { roles }: Pick<Office, 'roles'>,
  db: Kysely<TenantTables>,
  member: Member,
): Promise<Standing> {
  return { member, permissions: allowAll(roles, member.roles, await customRoles(db, member)) }
}

/**
 * As {@link standingOf}, where nothing is locked. The membership is read once more after the roles: one
 * that was taken from the member and widened in between would give them what they never held.
 * Null for who is no member any more.
 */
export async function standingNow(office: Office, found: Member): Promise<Standing | null> {
  for (let member: Member | null = found; member;) {
    const standing = await standingOf(office, office.db, member)
    if (!member.roles.some((role) => customId(role) !== null)) return standing
    const now: Member | null = await findMember(office.db, member.tenantId, member.personId)
    if (now?.roles.join() === member.roles.join()) return standing
    member = now
  }
  return null
}

async function customRoles(
  db: Kysely<TenantTables>,
  { roles, tenantId }: Pick<Member, 'roles' | 'tenantId'>,
): Promise<ReadonlyMap<string, PermissionSet>> {
  const ids = roles.map(customId).filter((id) => id !== null)
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('tenant_roles')
    .select(['id', 'permissions'])
    .where('tenantId', '=', tenantId)
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map(({ id, permissions }) => [id, PermissionSet.parse(permissions)]))
}

const KEY = /^key:/

/** What a principal that a key made is called: its `roles` tell it from the person, in every copy. */
export function keyRole(id: string): string {
  return `key:${id}`
}

/**
 * The member who asks, themselves and not a key of theirs, as the tenant has them now: a principal only
 * says who it was when the request began.
 *
 * @throws TenantsError `ERR_TENANTS_FORBIDDEN`
 */
export async function requireMember(office: Office, look: Look, actor: Principal): Promise<Standing> {
  const isPerson = actor.kind === 'user' && !actor.roles.some((role) => KEY.test(role))
  const member =
    isPerson && actor.tenant === look.tenant ? await findMember(look.db, look.tenant, actor.id) : null
  if (!member) throw forbidden()
  return standingOf(office, look.db, member)
}

/** As {@link requireMember}, of an administrator. */
export async function requireAdministrator(office: Office, look: Look, actor: Principal): Promise<Standing> {
  const standing = await requireMember(office, look, actor)
  if (!standing.member.roles.includes(ADMINISTRATOR)) throw forbidden()
  return standing
}

function forbidden(): Error {
  return new TenantsError('ERR_TENANTS_FORBIDDEN', 'this takes an administrator of the tenant, in person')
}

/** The tenant in which somebody acts. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
export function tenantOfActor({ tenant }: Principal): string {
  if (tenant === null) throw forbidden()
  return tenant
}

/** Who acted, for the audit log: with the roles that decided. */
export function actorOf({ member }: Standing): AccessChanged['actor'] {
  return { kind: 'user', id: member.personId, tenant: member.tenantId, roles: member.roles }
}
