import type { Principal } from '../access/index.ts'
import { isId } from '../kernel/index.ts'
import { TenantsError } from './errors.ts'
import {
  findMember,
  hasAdministrator,
  insertMember,
  listMembers,
  removeMember,
  setRoles,
  type Member,
} from './memberships.ts'
import type { Change, Office } from './office.ts'
import { ADMINISTRATOR, customId, requireHeld } from './rules.ts'
import {
  actorOf,
  requireAdministrator,
  requireMember,
  standingOf,
  tenantOfActor,
  type Standing,
} from './standing.ts'

/** Roles of one member. */
const MOST_ROLES = 50

/** Who belongs to a tenant, and with which roles. Every change is an administrator's, and is audited. */
export interface Members {
  /**
   * Founds a tenant with its first administrator: for the app's own sign-up, which decides who may.
   * @throws TenantsError `ERR_TENANTS_EXISTS`
   */
  found(tenant: string, personId: string): Promise<void>
  /**
   * Makes a member an administrator where the tenant has none left who can sign in: for the app's own
   * support, which decides who may ask for it.
   * @throws TenantsError `ERR_TENANTS_MEMBER`; `ERR_TENANTS_EXISTS` while there is one
   */
  appoint(tenant: string, personId: string): Promise<void>
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
  const { change, look } = office
  return {
    async found(tenant, personId) {
      if (!isId(tenant) || !isId(personId)) throw noMember()
      await office.create(tenant, (open) => insertMember(open, FOUNDING, personId, [ADMINISTRATOR]))
    },
    appoint: (tenant, personId) =>
      change(tenant, async (open) => {
        const member = await requireTarget(open, personId)
        if (await hasAdministrator(office, open)) throw exists('the tenant has an administrator')
        if (await office.isSwitchedOff(personId)) throw noMember()
        await setRoles(office, open, APPOINTING, member, [...new Set([...member.roles, ADMINISTRATOR])])
      }),
    list: (actor) =>
      look(tenantOfActor(actor), async (open) => {
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
        await setRoles(office, open, actorOf(standing), member, roles)
      }),
    remove: (actor, personId) =>
      change(tenantOfActor(actor), async (open) => {
        const isSelf = actor.id === personId
        const standing = await (isSelf ? requireMember : requireAdministrator)(office, open, actor)
        const member = await requireTarget(open, personId)
        await removeMember(office, open, actorOf(standing), member)
      }),
  }
}

/** The app founds tenants, so it is the system that acted. */
const FOUNDING = { kind: 'system', id: 'tenants.found', tenant: null, roles: [] } as const
const APPOINTING = { ...FOUNDING, id: 'tenants.appoint' } as const

async function requireTarget(open: Change, personId: string): Promise<Member> {
  const member = await findMember(open.db, open.tenant, personId)
  if (!member) throw noMember()
  return member
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
  if (roles.length > MOST_ROLES)
    throw new TenantsError('ERR_TENANTS_TOO_MANY', `a member has at most ${MOST_ROLES} roles`)
  const added = roles.filter((role) => !before.includes(role))
  for (const role of added) {
    const id = customId(role)
    if (id === null && !office.givenRoles.includes(role)) throw noRole()
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

function noRole(): Error {
  return new TenantsError('ERR_TENANTS_ROLE', 'a role is none of the configuration or of this tenant')
}

function noMember(): Error {
  return new TenantsError('ERR_TENANTS_MEMBER', 'this is no member of the tenant')
}

function exists(what: string): Error {
  return new TenantsError('ERR_TENANTS_EXISTS', what)
}
