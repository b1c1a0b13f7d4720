import type { Principal } from '../access/index.ts'
import { isId } from '../kernel/index.ts'
import type { AccessChanged } from '../log/index.ts'
import {
  actorOf,
  findMember,
  requireAdministrator,
  requireMember,
  standingOf,
  tenantOfActor,
  type Change,
  type Member,
  type Office,
  type Standing,
} from './change.ts'
import { TenantsError } from './errors.ts'
import { ADMINISTRATOR, customId, requireHeld } from './rules.ts'

/** Who belongs to a tenant, and with which roles. Every change is an administrator's, and is audited. */
export interface Members {
  /**
   * Founds a tenant with its first administrator: for the app's own sign-up, which decides who may.
   * @throws TenantsError `ERR_TENANTS_EXISTS`
   */
  found(tenant: string, personId: string): Promise<void>
  /** Everybody of the actor's tenant. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  list(actor: Principal): Promise<readonly Member[]>
  /**
   * @throws TenantsError `ERR_TENANTS_EXISTS`, and those of {@link assign}
   */
  add(actor: Principal, personId: string, roles: readonly string[]): Promise<void>
  /**
   * Gives a member exactly these roles, from their next request on. Each role that is new to them must
   * allow nothing that the actor does not hold.
   *
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_BEYOND`, `ERR_TENANTS_ROLE`,
   *   `ERR_TENANTS_MEMBER`, `ERR_TENANTS_LAST_ADMINISTRATOR`
   */
  assign(actor: Principal, personId: string, roles: readonly string[]): Promise<void>
  /**
   * Takes somebody out, with their keys; a member may take out themselves.
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_MEMBER`, `ERR_TENANTS_LAST_ADMINISTRATOR`
   */
  remove(actor: Principal, personId: string): Promise<void>
}

export function createMembers(office: Office): Members {
  const { change } = office
  return {
    async found(tenant, personId) {
      if (!isId(tenant) || !isId(personId)) throw noMember()
      await office.create(tenant, (open) => insertMember(open, FOUNDING, personId, [ADMINISTRATOR]))
    },
    list: (actor) =>
      change(tenantOfActor(actor), async (open) => {
        await requireAdministrator(office, open, actor)
        return listMembers(open)
      }),
    add: (actor, personId, roles) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        if (!isId(personId)) throw noMember()
        if (await findMember(open.db, open.tenant, personId)) throw exists('this person is a member')
        await requireAssignable(office, open, standing, [], roles)
        await insertMember(open, actorOf(standing), personId, roles)
      }),
    assign: (actor, personId, roles) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        const member = await requireTarget(open, personId)
        await requireAssignable(office, open, standing, member.roles, roles)
        await setRoles(open, standing, member, roles)
      }),
    remove: (actor, personId) =>
      change(tenantOfActor(actor), async (open) => {
        const isSelf = actor.id === personId
        const standing = await (isSelf ? requireMember : requireAdministrator)(office, open, actor)
        const member = await requireTarget(open, personId)
        await requireAnother(open, member)
        await open.db
          .deleteFrom('tenant_keys')
          .where('personId', '=', personId)
          .where('tenantId', '=', open.tenant)
          .execute()
        await open.db.deleteFrom('tenant_members').where('id', '=', member.id).execute()
        const about = { what: 'membership', subject: personId, row: member.id } as const
        open.tell({ ...about, actor: actorOf(standing), before: member.roles, after: null })
      }),
  }
}

export async function insertMember(
  { db, tenant, tell }: Change,
  actor: AccessChanged['actor'],
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

/** The app founds tenants, so it is the system that acted. */
const FOUNDING = { kind: 'system', id: 'tenants.found', tenant: null, roles: [] } as const

export async function listMembers({ db, tenant }: Pick<Change, 'db' | 'tenant'>): Promise<readonly Member[]> {
  return db
    .selectFrom('tenant_members')
    .select(['id', 'personId', 'tenantId', 'roles', 'lastUsedAt'])
    .where('tenantId', '=', tenant)
    .orderBy('id')
    .execute()
}

/** Gives a member these roles and nothing else. @throws TenantsError `ERR_TENANTS_LAST_ADMINISTRATOR` */
export async function setRoles(
  open: Change,
  standing: Standing,
  member: Member,
  roles: readonly string[],
): Promise<void> {
  if (!roles.includes(ADMINISTRATOR)) await requireAnother(open, member)
  await open.db
    .updateTable('tenant_members')
    .set({ roles: [...roles] })
    .where('id', '=', member.id)
    .execute()
  const about = { what: 'membership', subject: member.personId, row: member.id } as const
  open.tell({ ...about, actor: actorOf(standing), before: member.roles, after: [...roles] })
}

async function requireTarget(open: Change, personId: string): Promise<Member> {
  const member = isId(personId) ? await findMember(open.db, open.tenant, personId) : null
  if (!member) throw noMember()
  return member
}

/** A tenant keeps an administrator. Under the tenant's lock, so that two who go at once are not both let. */
async function requireAnother(open: Change, leaving: Member): Promise<void> {
  if (!leaving.roles.includes(ADMINISTRATOR)) return
  const others = (await listMembers(open)).filter(({ id }) => id !== leaving.id)
  if (others.some(({ roles }) => roles.includes(ADMINISTRATOR))) return
  throw new TenantsError(
    'ERR_TENANTS_LAST_ADMINISTRATOR',
    'the tenant would be left without an administrator',
  )
}

/** What is new among the roles must exist and lie within what the actor holds now. */
export async function requireAssignable(
  office: Office,
  open: Change,
  { member, permissions }: Standing,
  before: readonly string[],
  roles: readonly string[],
): Promise<void> {
  if (new Set(roles).size !== roles.length) throw noRole()
  const added = roles.filter((role) => !before.includes(role))
  for (const role of added) {
    const id = customId(role)
    if (id === null && !isConfigured(office, role)) throw noRole()
    if (id !== null) {
      const row = open.db
        .selectFrom('tenant_roles')
        .select('id')
        .where('id', '=', id)
        .where('tenantId', '=', open.tenant)
      if (!isId(id) || !(await row.executeTakeFirst())) throw noRole()
    }
  }
  const asked = await standingOf(office, open.db, { ...member, roles: added })
  requireHeld(permissions, asked.permissions)
}

/** `anonymous` is what visitors may; nobody is made one. */
function isConfigured({ roles }: Office, name: string): boolean {
  return name !== 'anonymous' && (name === ADMINISTRATOR || name === 'member' || roles.has(name))
}

function noRole(): Error {
  return new TenantsError('ERR_TENANTS_ROLE', 'a role is none of the configuration or of this tenant')
}

function noMember(): Error {
  return new TenantsError('ERR_TENANTS_MEMBER', 'this is no member of the tenant')
}

function exists(what: string): Error {
  return new TenantsError('ERR_TENANTS_EXISTS', what)
}
