import type { Kysely } from 'kysely'
import type { Account, Accounts } from '../accounts.ts'
import { addAccount, type Directory, type ScimUser } from './directory.ts'
import { createGroups, groupsOf } from './groups.ts'
import type { ScimTables } from './resources.ts'

/** Who belongs to one tenant, as its directory has it; `compose/` connects it. */
export interface ProvisionedTenant {
  /** Everybody, who joined first at the head. */
  members(): Promise<readonly ProvisionedMember[]>
  /** Makes somebody a member with exactly these roles, or gives a member these. */
  set(personId: string, roles: readonly string[]): Promise<void>
  remove(personId: string): Promise<void>
  /** In how many tenants the person is. */
  countOf(personId: string): Promise<number>
}

export interface ProvisionedMember {
  readonly personId: string
  readonly roles: readonly string[]
}

export interface TenantDirectoryOptions {
  readonly accounts: Accounts
  readonly db: Kysely<ScimTables>
  readonly tenant: string
  readonly members: ProvisionedTenant
  /** Roles by the display name of a group. */
  readonly roles: { readonly [group: string]: readonly string[] }
}

/** What everybody whom the directory has switched on is at least. */
const LEAST_ROLE = 'member'

/**
 * The directory of one tenant: it sees the tenant's members, and decides what they may there, never whether
 * their accounts are on, which may serve other tenants, too. Who is switched off stays a member without any
 * role, so that every permission in the tenant is gone with the next request. Nobody has shown that the
 * addresses are the tenant's to vouch for: they are not verified by being provisioned.
 */
export function tenantDirectory(options: TenantDirectoryOptions): Directory {
  const { accounts, db, tenant, members } = options
  const memberOf = async (personId: string): Promise<ProvisionedMember | null> =>
    (await members.members()).find((one) => one.personId === personId) ?? null
  return {
    groups: createGroups({
      db,
      tenant,
      isOwn: async (personId) => (await memberOf(personId)) !== null,
      async applyRoles(personId, groups) {
        const member = await memberOf(personId)
        // Whoever is switched off gets their roles when they are switched on.
        if (member && member.roles.length > 0) await settle(options, member, groups)
      },
    }),
    async find(by) {
      const account = await accounts.find(by)
      const member = account && (await memberOf(account.personId))
      return account && member && toUser(account, member)
    },
    async list({ offset, count }) {
      const all = await members.members()
      const page = all.slice(offset, offset + count)
      const found = await Promise.all(
        page.map(async (member) => {
          const account = await accounts.find({ personId: member.personId })
          return account && toUser(account, member)
        }),
      )
      return { users: found.filter((user) => user !== null), total: all.length }
    },
    async add(user) {
      const personId = await addAccount(accounts, user, false)
      await members.set(personId, [LEAST_ROLE])
      return personId
    },
    async setActive(personId, active) {
      const member = await memberOf(personId)
      if (!member || (active && member.roles.length > 0)) return
      if (active) await settle(options, member, await groupsOf(db, tenant, personId))
      else await members.set(personId, [])
    },
    async rename(personId, name) {
      // What somebody is called elsewhere is not this tenant's to say.
      if ((await members.countOf(personId)) === 1) await accounts.rename(personId, name)
    },
    async remove(personId) {
      await members.remove(personId)
      await db
        .deleteFrom('scim_group_members')
        .where('tenantId', '=', tenant)
        .where('personId', '=', personId)
        .execute()
    },
  }
}

function toUser(account: Account, { roles }: ProvisionedMember): ScimUser {
  return { account, active: account.enabled && roles.length > 0 }
}

/** The roles that follow the directory are those of the person's groups; all others stay. */
async function settle(
  { members, roles }: TenantDirectoryOptions,
  { personId, roles: before }: ProvisionedMember,
  groups: readonly string[],
): Promise<void> {
  const following = new Set(Object.values(roles).flat())
  const given = groups.flatMap((group) => (Object.hasOwn(roles, group) ? roles[group]! : []))
  const kept = before.filter((role) => !following.has(role))
  const wanted = [...new Set([...kept, ...given])]
  const after = wanted.length > 0 ? wanted : [LEAST_ROLE]
  if (after.join('\n') !== before.join('\n')) await members.set(personId, after)
}
