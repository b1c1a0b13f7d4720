import type { PermissionSet, Principal } from '../access/index.ts'
import type { PermissionText } from '../declare/index.ts'
import { isId } from '../kernel/index.ts'
import { TenantsError } from './errors.ts'
import { listMembers } from './memberships.ts'
import { missing, type Change, type Look, type Office } from './office.ts'
import { readRoleName } from './role-name.ts'
import { customName, parseGrantable, requireHeld } from './rules.ts'
import { actorOf, requireAdministrator, tenantOfActor } from './standing.ts'

/** A role that a tenant made for itself. */
export interface CustomRole {
  readonly id: string
  /** What a membership's list of roles holds for it. */
  readonly assignedAs: string
  readonly name: string
  readonly permissions: readonly string[]
  /** Said again when the role is changed, so that nobody overwrites what they have not seen. */
  readonly revision: number
}

export interface RoleDraft {
  readonly name: string
  readonly permissions: readonly PermissionText[]
}

/** Roles that a tenant's administrators make from the declared permissions. Nobody grants more than they hold. */
export interface CustomRoles {
  /** @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  list(actor: Principal): Promise<readonly CustomRole[]>
  /** @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_BEYOND`, `ERR_TENANTS_PERMISSION`, `ERR_TENANTS_NAME` */
  create(actor: Principal, draft: RoleDraft): Promise<CustomRole>
  /**
   * Changes what the role allows to everybody who has it, from their next request on; a request that
   * runs already goes on with what held when it began. The actor must hold all that the role then
   * allows, whoever gave it before: so two edits in a row never add up to more than the last editor has.
   *
   * @param revision the one that was shown to the actor
   * @throws TenantsError as {@link create}; `ERR_TENANTS_MISSING`, `ERR_TENANTS_CHANGED`
   */
  edit(actor: Principal, id: string, revision: number, draft: RoleDraft): Promise<CustomRole>
  /** @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_MISSING`, `ERR_TENANTS_ROLE_IN_USE` */
  remove(actor: Principal, id: string): Promise<void>
}

/** Roles of one tenant: more than anybody looks through. */
const MOST_ROLES = 100

export function createCustomRoles(office: Office): CustomRoles {
  const { change, look } = office
  return {
    list: (actor) =>
      look(tenantOfActor(actor), async (open) => {
        await requireAdministrator(office, open, actor)
        return listRoles(open)
      }),
    create: (actor, draft) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        const others = await listRoles(open)
        if (others.length >= MOST_ROLES)
          throw new TenantsError(
            'ERR_TENANTS_TOO_MANY',
            `a tenant has at most ${MOST_ROLES} roles of its own`,
          )
        const name = checkName(office, draft.name, others)
        const permissions = checkDraft(office, standing.permissions, draft)
        const { id } = await open.db
          .insertInto('tenant_roles')
          .values({ tenantId: open.tenant, name, permissions: [...permissions], revision: 1 })
          .returning('id')
          .executeTakeFirstOrThrow()
        const about = { what: 'role', subject: null, row: id } as const
        open.tell({ ...about, actor: actorOf(standing), before: null, after: permissions })
        return toRole({ id, name, permissions, revision: 1 })
      }),
    edit: (actor, id, revision, draft) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        const all = await listRoles(open)
        const before = requireRole(all, id)
        if (before.revision !== revision)
          throw new TenantsError('ERR_TENANTS_CHANGED', 'the role is no longer as it was shown')
        const name = checkName(
          office,
          draft.name,
          all.filter((role) => role.id !== id),
        )
        const permissions = checkDraft(office, standing.permissions, draft)
        await open.db
          .updateTable('tenant_roles')
          .set({ name, permissions: [...permissions], revision: revision + 1 })
          .where('id', '=', id)
          .execute()
        const about = { what: 'role', subject: null, row: id } as const
        open.tell({ ...about, actor: actorOf(standing), before: before.permissions, after: permissions })
        return toRole({ id, name, permissions, revision: revision + 1 })
      }),
    remove: (actor, id) => change(tenantOfActor(actor), (open) => remove(office, open, actor, id)),
  }
}

async function remove(office: Office, open: Change, actor: Principal, id: string): Promise<void> {
  const standing = await requireAdministrator(office, open, actor)
  const role = requireRole(await listRoles(open), id)
  const members = await listMembers(open)
  if (members.some(({ roles }) => roles.includes(role.assignedAs)))
    throw new TenantsError('ERR_TENANTS_ROLE_IN_USE', 'somebody has this role')
  await open.db.deleteFrom('tenant_roles').where('id', '=', id).execute()
  const about = { what: 'role', subject: null, row: id } as const
  open.tell({ ...about, actor: actorOf(standing), before: role.permissions, after: null })
}

async function listRoles({ db, tenant }: Look): Promise<readonly CustomRole[]> {
  const rows = await db
    .selectFrom('tenant_roles')
    .select(['id', 'name', 'permissions', 'revision'])
    .where('tenantId', '=', tenant)
    .orderBy('id')
    .execute()
  return rows.map(toRole)
}

function toRole(row: Omit<CustomRole, 'assignedAs'>): CustomRole {
  return { ...row, assignedAs: customName(row.id) }
}

function requireRole(roles: readonly CustomRole[], id: string): CustomRole {
  const role = isId(id) ? roles.find((each) => each.id === id) : undefined
  if (!role) throw missing('the tenant has no such role')
  return role
}

/** The permissions in their shortest form. */
function checkDraft(
  { resources }: Office,
  held: PermissionSet,
  { permissions }: RoleDraft,
): readonly PermissionText[] {
  const asked = parseGrantable(resources, permissions)
  requireHeld(held, asked)
  return asked.texts
}

/** A name that looks like another role's, or like one of the configuration, would be given by mistake. */
function checkName({ givenRoles }: Office, text: string, others: readonly CustomRole[]): string {
  const name = readRoleName(text, [...givenRoles, ...others.map((role) => role.name)])
  if (name === null)
    throw new TenantsError('ERR_TENANTS_NAME', 'the name of the role does not fit, or is taken')
  return name
}
