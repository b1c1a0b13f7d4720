import type { Kysely } from 'kysely'
import { z } from 'zod'
import { isId } from '../../kernel/index.ts'
import { ScimError } from './errors.ts'
import { parseOperations, type Operation } from './patch.ts'
import type { ScimTables } from './resources.ts'

export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group'

/** A group of a directory. */
export interface Group {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  /** Pseudonyms, without an order. */
  readonly members: readonly string[]
}

/** What a group is to be; what is left out stays. */
export interface GroupChanges {
  readonly name?: string
  /** In the order in which they are made. */
  readonly members?: readonly MemberChange[]
}

export type MemberChange =
  | { readonly does: 'add' | 'remove'; readonly people: readonly string[] }
  | { readonly does: 'set'; readonly people: readonly string[] }

/** The groups of one directory. Every change gives the people concerned their roles before it resolves. */
export interface Groups {
  list(): Promise<readonly Group[]>
  find(id: string): Promise<Group | null>
  /** @throws ScimError `ERR_SCIM_TAKEN`, `ERR_SCIM_TOO_MANY`, `ERR_SCIM_UNKNOWN` for members that are none of the directory's */
  add(name: string, members: readonly string[]): Promise<Group>
  /** @throws as {@link Groups.add}, and `ERR_SCIM_UNKNOWN` where there is no such group */
  change(id: string, changes: GroupChanges): Promise<Group>
  remove(id: string): Promise<void>
}

/** Members that one request names at most, and groups of a directory. */
export const MOST_MEMBERS = 1_000
export const MOST_GROUPS = 1_000

export interface GroupStore {
  readonly db: Kysely<ScimTables>
  readonly tenant: string
  /** Whether somebody is the directory's. */
  isOwn(personId: string): Promise<boolean>
  /** Called with the names of all groups that a person is in now. */
  applyRoles(personId: string, groups: readonly string[]): Promise<void>
}

export function createGroups(store: GroupStore): Groups {
  const { db, tenant } = store
  let last: Promise<unknown> = Promise.resolve()
  // One at a time in this process: each takes further connections for the roles that it gives.
  const inTurn = <Result>(work: (open: Kysely<ScimTables>) => Promise<Result>): Promise<Result> => {
    const next = last.then(() => db.transaction().execute(work))
    last = next.catch(() => undefined)
    return next
  }
  return {
    list: () => readGroups(db, tenant),
    find: async (id) => (await readGroups(db, tenant, id))[0] ?? null,
    add: (name, members) =>
      inTurn(async (open) => {
        const others = await readGroups(open, tenant)
        if (others.length >= MOST_GROUPS) throw tooMany(`a directory has at most ${MOST_GROUPS} groups`)
        requireFree(others, name, null)
        const { id } = await open
          .insertInto('scim_groups')
          .values({ tenantId: tenant, name })
          .returning('id')
          .executeTakeFirstOrThrow()
        return settle({ ...store, db: open }, id, [], members)
      }),
    change: (id, { name, members = [] }) =>
      inTurn(async (open) => {
        const group = await lockGroup(open, tenant, id)
        if (name !== undefined && name !== group.name) {
          requireFree(await readGroups(open, tenant), name, id)
          await open.updateTable('scim_groups').set({ name }).where('id', '=', id).execute()
        }
        const before = group.members
        // A new name may give other roles to everybody in it.
        return settle({ ...store, db: open }, id, before, members.reduce(applyChange, before))
      }),
    remove: (id) =>
      inTurn(async (open) => {
        const { members } = await lockGroup(open, tenant, id)
        await settle({ ...store, db: open }, id, members, [])
        await open.deleteFrom('scim_groups').where('id', '=', id).execute()
      }),
  }
}

function applyChange(now: readonly string[], { does, people }: MemberChange): readonly string[] {
  if (does === 'set') return [...new Set(people)]
  if (does === 'add') return [...new Set([...now, ...people])]
  return now.filter((person) => !people.includes(person))
}

/** Writes who is in the group, and gives all of them, and those who were, their roles. */
async function settle(
  store: GroupStore,
  groupId: string,
  before: readonly string[],
  after: readonly string[],
): Promise<Group> {
  const { db, tenant } = store
  for (const personId of after.filter((person) => !before.includes(person))) {
    if (!(await store.isOwn(personId)))
      throw new ScimError('ERR_SCIM_UNKNOWN', 'a member is no user of this directory')
    await db.insertInto('scim_group_members').values({ personId, tenantId: tenant, groupId }).execute()
  }
  for (const personId of before.filter((person) => !after.includes(person)))
    await db
      .deleteFrom('scim_group_members')
      .where('tenantId', '=', tenant)
      .where('groupId', '=', groupId)
      .where('personId', '=', personId)
      .execute()
  const groups = await readGroups(db, tenant)
  for (const person of new Set([...before, ...after])) {
    const names = groups.filter(({ members }) => members.includes(person)).map(({ name }) => name)
    await store.applyRoles(person, names)
  }
  return groups.find(({ id }) => id === groupId)!
}

/** The names of the groups that somebody is in. */
export async function groupsOf(db: Kysely<ScimTables>, tenant: string, personId: string): Promise<string[]> {
  const groups = await readGroups(db, tenant)
  return groups.filter(({ members }) => members.includes(personId)).map(({ name }) => name)
}

async function readGroups(db: Kysely<ScimTables>, tenant: string, id?: string): Promise<Group[]> {
  if (id !== undefined && !isId(id)) return []
  const groups = db
    .selectFrom('scim_groups')
    .select(['id', 'name', 'createdAt'])
    .where('tenantId', '=', tenant)
    .orderBy('id')
  const members = db
    .selectFrom('scim_group_members')
    .select(['groupId', 'personId'])
    .where('tenantId', '=', tenant)
  const found = await (id === undefined ? groups : groups.where('id', '=', id)).execute()
  const inside = await (id === undefined ? members : members.where('groupId', '=', id)).execute()
  const byGroup = Map.groupBy(inside, ({ groupId }) => groupId)
  return found.map((group) => ({
    ...group,
    members: (byGroup.get(group.id) ?? []).map(({ personId }) => personId),
  }))
}

/** To the end of the transaction: two changes of one group are made one after the other. */
async function lockGroup(db: Kysely<ScimTables>, tenant: string, id: string): Promise<Group> {
  if (isId(id))
    await db
      .selectFrom('scim_groups')
      .select('id')
      .where('tenantId', '=', tenant)
      .where('id', '=', id)
      .forUpdate()
      .execute()
  const [group] = await readGroups(db, tenant, id)
  if (!group) throw new ScimError('ERR_SCIM_UNKNOWN', 'no group has this id')
  return group
}

function requireFree(groups: readonly Group[], name: string, own: string | null): void {
  if (groups.some((group) => group.name === name && group.id !== own))
    throw new ScimError('ERR_SCIM_TAKEN', 'a group has this displayName')
}

function tooMany(why: string): Error {
  return new ScimError('ERR_SCIM_TOO_MANY', why)
}

/** The group as a SCIM resource (RFC 7643 §4.2). */
export function toScimGroup(group: Group, url: string, withMembers: boolean): object {
  const { id, name, createdAt, members } = group
  return {
    schemas: [GROUP_SCHEMA],
    id,
    displayName: name,
    ...(withMembers && {
      members: members.map((value) => ({ value, type: 'User', $ref: `${url}/scim/v2/Users/${value}` })),
    }),
    meta: {
      resourceType: 'Group',
      created: createdAt.toISOString(),
      location: `${url}/scim/v2/Groups/${id}`,
    },
  }
}

const name = z.string().min(1).max(255)
const people = z.array(z.object({ value: z.string().refine(isId) }))
const groupBody = z.object({
  schemas: z.array(z.string()).refine((schemas) => schemas.includes(GROUP_SCHEMA)),
  displayName: name,
  members: people.nullish(),
})

/** A whole group, as POST and PUT send it. @throws ScimError `ERR_SCIM_VALUE`, `ERR_SCIM_TOO_MANY` */
export function parseGroup(body: unknown): { name: string; members: readonly string[] } {
  const parsed = groupBody.safeParse(body)
  if (!parsed.success) throw new ScimError('ERR_SCIM_VALUE', 'the group is not one that RFC 7643 describes')
  const { displayName, members } = parsed.data
  return { name: displayName, members: requireFew((members ?? []).map(({ value }) => value)) }
}

/** What a PATCH of a group comes to. @throws ScimError `ERR_SCIM_PATH`, `ERR_SCIM_VALUE`, `ERR_SCIM_TOO_MANY` */
export function parseGroupPatch(body: unknown): GroupChanges {
  let called: string | undefined
  const changes: MemberChange[] = []
  for (const operation of parseOperations(body)) {
    const { op, path, value } = operation
    if (path === 'displayname' && op !== 'remove') called = parseName(value)
    else if (path === 'members' || path.startsWith('members[')) changes.push(toMemberChange(operation))
    else if (!['id', 'schemas', 'meta', 'externalid'].includes(path))
      throw new ScimError('ERR_SCIM_PATH', 'a change is none that is supported here')
  }
  requireFew(changes.flatMap((change) => change.people))
  return { ...(called !== undefined && { name: called }), ...(changes.length > 0 && { members: changes }) }
}

function parseName(value: unknown): string {
  const parsed = name.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ScimError('ERR_SCIM_VALUE', 'the displayName is no text of 1 to 255 characters')
}

/** `members[value eq "…"]`, as Okta removes one. */
const ONE_MEMBER = /^members\[\s*value\s+eq\s+"([0-9a-f-]{36})"\s*\]$/i

function toMemberChange({ op, path, value }: Operation): MemberChange {
  const [, one] = ONE_MEMBER.exec(path) ?? []
  if (one !== undefined && op === 'remove' && isId(one)) return { does: 'remove', people: [one] }
  if (path !== 'members') throw new ScimError('ERR_SCIM_PATH', 'members are removed by value eq "id"')
  // A remove that names nobody takes everybody out (RFC 7644 §3.5.2.2).
  if (op === 'remove' && (value === undefined || value === null)) return { does: 'set', people: [] }
  const parsed = people.safeParse(Array.isArray(value) ? value : [value])
  if (!parsed.success) throw new ScimError('ERR_SCIM_VALUE', 'members are no list of { value: id }')
  return { does: op === 'replace' ? 'set' : op, people: parsed.data.map(({ value: id }) => id) }
}

function requireFew(ids: readonly string[]): readonly string[] {
  if (ids.length > MOST_MEMBERS) throw tooMany(`a request names at most ${MOST_MEMBERS} members`)
  return ids
}
